"""What multiprocessing's fork server imports once, for every process of the campaign."""

from trials.campaign import child

child.import_everything()
