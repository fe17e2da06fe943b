"""The portal's WSGI application with the fault in it."""

from getdata.wsgi import application
from tests.faults.inject import install

install()

__all__ = ["application"]
