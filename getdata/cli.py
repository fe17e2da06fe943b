"""``getdata``: the command line. It needs no portal and no configuration, and imports no Django.

Each subject is a module of ``getdata.commands``; here they get their names.
"""

from __future__ import annotations

import typer

from getdata.commands.audit import audit
from getdata.commands.check import check
from getdata.commands.counts import counts
from getdata.commands.deid import PASSED_ON, deid, verify_certificate
from getdata.commands.duplicates import duplicates
from getdata.commands.frame import SETTINGS
from getdata.commands.labels import labels
from getdata.commands.pull import pull
from getdata.commands.push import push
from getdata.commands.reports import label_reports
from getdata.commands.request import request
from getdata.commands.score import score

app = typer.Typer(name="getdata", help="GetDATA on the command line.", add_completion=False, **SETTINGS)
app.add_typer(request, name="request")
app.command("label-reports")(label_reports)
app.add_typer(labels, name="labels")
app.command()(audit)
app.command()(check)
app.command()(counts)
app.command(**PASSED_ON)(deid)
app.command("verify-certificate", **PASSED_ON)(verify_certificate)
app.command()(duplicates)
app.command()(push)
app.command()(score)
app.command()(pull)


@app.callback()
def _main() -> None:
    """GetDATA on the command line."""
