"""`make day`: a day of the shop with all its schedules, and who is told what, and when."""
