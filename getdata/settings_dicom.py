"""Settings of DICOMweb; ``getdata.settings`` takes them in. Listed in ``docs/deployment.md``."""

import environ

env = environ.Env()

#: Most instances in the body of one DICOMweb Store request.
DICOMWEB_MAX_INSTANCES: int = env.int("GETDATA_DICOMWEB_MAX_INSTANCES", default=20_000)
#: Sites whose viewers may read releases by DICOMweb from a browser: they send a token, cookies do not travel.
DICOMWEB_ORIGINS: list[str] = env.list("GETDATA_DICOMWEB_ORIGINS", default=[])
