"""The check kit: the server's verdict over a folder at home, before a byte leaves. Pure.

Nothing here decides: ``fulfillment.verdict``, ``conformance``, ``quality``, ``duplicates`` and ``labels`` do, as on the server.
Here files are found, shared out to processes, remembered for a run that is taken up again, and put together to one outcome.
"""
