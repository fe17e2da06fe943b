"""The portal's addresses, and this app's API also while another app's is broken."""

from getdata.urls import urlpatterns as portal
from tests.accounts.api_only_urls import urlpatterns as api

urlpatterns = [*api, *portal]
