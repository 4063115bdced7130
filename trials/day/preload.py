"""What multiprocessing's fork server imports once, for every process of the trial."""

from trials.day import child

child.import_everything()
