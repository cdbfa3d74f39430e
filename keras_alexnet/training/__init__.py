"""Training: a job, its run, and the folder that the run writes."""
