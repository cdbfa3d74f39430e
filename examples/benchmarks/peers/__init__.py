"""The networks that steps.py times, each as several sides build it, with the same weights."""
