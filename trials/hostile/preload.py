"""What multiprocessing's fork server imports once, for every process of this trial."""

from trials.hostile import child

child.import_everything()
