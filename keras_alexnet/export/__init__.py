"""Models as files of other runtimes, each run and compared before it is believed."""
