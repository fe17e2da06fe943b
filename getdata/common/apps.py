from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "getdata.common"
    label = "common"

    def ready(self) -> None:
        from getdata import checks  # noqa: F401  registers the system checks
