"""`make parity`: a golden set of generated runs, the modelled legacy beside us, and wrong rules."""
