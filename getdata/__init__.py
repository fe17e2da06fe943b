"""GetDATA: the project, and what every app stands on.

The Celery application is loaded by ``getdata.celery`` only where a worker or an enqueue needs it, so that the
command line tools stay importable without a configured Django.
"""
