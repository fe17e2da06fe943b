"""In a step of its own: PostgreSQL alters no table in the transaction that filled its neighbour."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0011_release_files")]

    operations = [migrations.RemoveField(model_name="release", name="manifest")]
