"""The stage of the upload tests serves here too: a hospital with a batch, and people of every role."""

from tests.fulfillment.uploads.conftest import _own_staging, api, scene, tus  # noqa: F401 (fixtures)
