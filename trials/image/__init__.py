"""The image as a real engine builds it: looked at from inside, and started both ways."""
