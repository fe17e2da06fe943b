"""The catalogue: listings with their full-text index, the log of their changes, and saved searches."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from requests_app.catalogue import words


def install(apps: Any, schema_editor: Any) -> None:
    words.install(schema_editor.connection)


def remove(apps: Any, schema_editor: Any) -> None:
    words.remove(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('requests_app', '0006_agreement_clauses'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CatalogueChange',
            fields=[
                ('version', models.BigIntegerField(primary_key=True, serialize=False)),
                ('token', models.CharField(max_length=32)),
                ('listing', models.BigIntegerField()),
            ],
            options={
                'ordering': ['version'],
            },
        ),
        migrations.CreateModel(
            name='CatalogueState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RemoveField(
            model_name='datasetrequest',
            name='search_text',
        ),
        migrations.CreateModel(
            name='RequestListing',
            fields=[
                ('number', models.BigAutoField(primary_key=True, serialize=False)),
                ('is_open', models.BooleanField(default=True)),
                ('category', models.CharField(choices=[('cxr', 'Chest X-ray'), ('ct', 'Cross-sectional (CT)'), ('cardiac', 'Cardiac imaging')], max_length=10)),
                ('report_linkage', models.CharField(max_length=10)),
                ('images', models.PositiveIntegerField(default=0)),
                ('still_needed', models.PositiveIntegerField(default=0, help_text='for the order of lists; the sweeper keeps it current')),
                ('deadline', models.DateField(blank=True, null=True)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('version', models.PositiveIntegerField(default=1, help_text='the number of the SpecVersion that is listed')),
                ('announced', models.BigIntegerField(default=0, help_text='the change with which it was opened or last amended')),
                ('title', models.TextField()),
                ('findings', models.TextField(blank=True)),
                ('body', models.TextField(blank=True)),
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='listing', to='requests_app.datasetrequest')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='SavedSearch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('name', models.CharField(max_length=120)),
                ('query', models.CharField(blank=True, max_length=2000)),
                ('pace', models.CharField(choices=[('at_once', 'At once'), ('daily', 'Once a day')], default='daily', max_length=10)),
                ('by_mail', models.BooleanField(default=True)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('seen', models.BigIntegerField(default=0)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_searches', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'created_at'],
                'indexes': [models.Index(fields=['paused_at', 'seen'], name='requests_ap_paused__073e76_idx')],
                'constraints': [models.UniqueConstraint(fields=('user', 'query'), name='one_saved_search_a_query'), models.CheckConstraint(condition=models.Q(('pace__in', ['at_once', 'daily'])), name='savedsearch_pace_known')],
            },
        ),
        # Requests that are open already are listed by the sweeper (requests_app.sweep_listings_task).
        migrations.RunPython(install, remove),
    ]
