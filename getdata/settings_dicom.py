"""Settings of DICOMweb and of the DICOM listener; ``getdata.settings`` takes them in. Listed in ``docs/deployment.md``."""

import environ

env = environ.Env()

#: Most instances in the body of one DICOMweb Store request.
DICOMWEB_MAX_INSTANCES: int = env.int("GETDATA_DICOMWEB_MAX_INSTANCES", default=20_000)
#: Sites whose viewers may read releases by DICOMweb from a browser: they send a token, cookies do not travel.
DICOMWEB_ORIGINS: list[str] = env.list("GETDATA_DICOMWEB_ORIGINS", default=[])

# --- the C-STORE and C-ECHO listener (manage.py dicom_listener) --------------------------------------------------------
DICOM_AE_TITLE: str = env.str("GETDATA_DICOM_AE_TITLE", default="GETDATA")
DICOM_HOST: str = env.str("GETDATA_DICOM_HOST", default="127.0.0.1")
DICOM_PORT: int = env.int("GETDATA_DICOM_PORT", default=11112)
#: What the pages tell hospitals to connect to, where it is not the portal's own name.
DICOM_PUBLIC_HOST: str = env.str("GETDATA_DICOM_PUBLIC_HOST", default="")
#: PEM files. With a certificate the listener speaks TLS only; with a CA it asks every sender for a certificate of that CA.
DICOM_TLS_CERTIFICATE: str = env.str("GETDATA_DICOM_TLS_CERTIFICATE", default="")
DICOM_TLS_KEY: str = env.str("GETDATA_DICOM_TLS_KEY", default="")
DICOM_TLS_CLIENT_CA: str = env.str("GETDATA_DICOM_TLS_CLIENT_CA", default="")
DICOM_MAX_ASSOCIATIONS: int = env.int("GETDATA_DICOM_MAX_ASSOCIATIONS", default=10)
DICOM_MAX_PDU: int = env.int("GETDATA_DICOM_MAX_PDU", default=131_072)
#: Seconds: of silence after which an association is ended, and that its negotiation and one message may take.
DICOM_IDLE_SECONDS: int = env.int("GETDATA_DICOM_IDLE_SECONDS", default=60)
#: A production portal's listener refuses to start without TLS, unless the network around it is said to be closed.
DICOM_PLAIN: bool = env.bool("GETDATA_DICOM_PLAIN", default=False)
