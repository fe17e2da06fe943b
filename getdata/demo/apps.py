from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "getdata.demo"
    label = "demo"
