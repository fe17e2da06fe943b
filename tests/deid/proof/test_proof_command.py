"""The command's proof: --certificate, --canaries, make-signing-key, verify-certificate, and what each says of tampering."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from deid.__main__ import main
from deid.proof.command import is_subcommand
from tests.deid.objects import BlindDetector, SilentReader, make_file, plain_chest
from tests.deid.test_command import Batch, image
from tests.deid.test_headers import PLANTED

ISSUED = "2026-03-01T12:00:00Z"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.engine._shipped_detector", BlindDetector)
    monkeypatch.setattr("deid.engine._shipped_reader", SilentReader)


class Proof(Batch):
    """A batch with a signing key and a place for its certificate."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.certificate, self.key = root / "cert.json", root / "signing"
        assert main(["make-signing-key", str(self.key)]) == 0

    def certify(self, *more: str) -> int:
        return self.run(
            "--certificate", str(self.certificate), "--signing-key", str(self.key), "--issued-at", ISSUED, *more
        )  # fmt: skip

    def verify(self, *more: str) -> int:
        return main(["verify-certificate", str(self.certificate), "--public-key", f"{self.key}.pub", *more])

    def everything(self) -> int:
        return self.verify("--files", str(self.output), "--report", str(self.report))

    def statement(self) -> dict[str, object]:
        return json.loads(self.certificate.read_text())["statement"]


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    made = Proof(tmp_path)
    made.put("Featherstone/1.dcm", image(1))
    made.put("2.dcm", make_file(plain_chest(300, 280, seed=2), SOPInstanceUID="1.2.3.2"))
    made.put("notes.txt", b"hello")
    return made


def test_a_run_is_certified_verified_and_the_same_when_it_is_run_again(
    proof: Proof, capfd: pytest.CaptureFixture[str]
) -> None:
    assert proof.certify() == 3
    told = capfd.readouterr().err
    assert "survived. Do not hand the batch on" in told  # the detector of these tests sees nothing
    assert proof.everything() == 0
    told = capfd.readouterr().out
    assert "GENUINE" in told and "the key you trust" in told and "2 of 2 unchanged" in told
    first, pdf = proof.certificate.read_bytes(), proof.certificate.with_suffix(".pdf").read_bytes()
    for text in (*PLANTED, "notes.txt", "1.2.3.1"):
        assert text.lower().encode() not in first.lower(), text
    canaries = proof.statement()["canaries"]
    assert canaries["measured"] and canaries["copies"] == 2  # type: ignore[index]
    kinds = {kind["kind"]: kind for kind in canaries["by_kind"]}  # type: ignore[index]
    assert kinds["headers"]["planted"] == kinds["headers"]["removed"] > 100
    assert {path.name for path in proof.root.iterdir()} == {
        "in", "out", "key", "MAP.csv", "REPORT.json", "signing", "signing.pub", "cert.json", "cert.pdf",
    }  # fmt: skip
    assert len(proof.tree()) == 2, "no canary is ever written to OUTPUT"
    assert proof.certify() == 3
    assert proof.certificate.read_bytes() == first and proof.certificate.with_suffix(".pdf").read_bytes() == pdf


def test_a_changed_a_missing_an_added_and_a_moved_file_are_each_named(
    proof: Proof, capfd: pytest.CaptureFixture[str]
) -> None:
    proof.certify("--canaries", "0")
    names = sorted(proof.tree())
    victim = proof.output / names[0]
    original = victim.read_bytes()
    victim.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    (proof.output / "more.txt").write_text("x")
    capfd.readouterr()
    assert proof.everything() == 3
    told = capfd.readouterr().out
    assert f"{names[0]}: changed. Its pixels are not the same." in told and "more.txt: extra" in told
    at = original.index(b"GETDATA_DEID_1")
    victim.write_bytes(original[:at] + b"X" + original[at + 1 :])
    assert proof.everything() == 3
    assert f"{names[0]}: changed. Its pixels are unchanged" in capfd.readouterr().out
    victim.unlink()
    (proof.output / "more.txt").write_bytes(original)
    assert proof.everything() == 3
    assert f"{names[0]}: missing. The same file stands under more.txt" in capfd.readouterr().out


def test_each_changed_record_of_the_report_is_named_and_so_is_its_summary(
    proof: Proof, capfd: pytest.CaptureFixture[str]
) -> None:
    proof.certify("--canaries", "0")
    whole = proof.report.read_text()
    for index, record in enumerate(json.loads(whole)["records"]):
        for name in record:
            report = json.loads(whole)
            report["records"][index][name] = "changed"
            proof.report.write_text(json.dumps(report, indent=1) + "\n")
            capfd.readouterr()
            assert proof.verify("--report", str(proof.report)) == 3, name
            assert f"record {index + 1}" in capfd.readouterr().out, name
    report = json.loads(whole)
    report["counts"]["released"] = 99
    for text, expected in (
        (json.dumps(report), "outside the records"),
        ("{}", "not readable"),
        (whole + " ", "outside"),
    ):
        proof.report.write_text(text)
        capfd.readouterr()
        assert proof.verify("--report", str(proof.report)) == 3
        assert expected in capfd.readouterr().out
    report = json.loads(whole)
    del report["records"][0]
    proof.report.write_text(json.dumps(report))
    assert proof.verify("--report", str(proof.report)) == 3


def test_an_unsigned_certificate_is_written_with_a_warning_and_is_not_genuine(
    proof: Proof, capfd: pytest.CaptureFixture[str]
) -> None:
    assert proof.run("--certificate", str(proof.certificate), "--canaries", "0") == 3
    told = capfd.readouterr().err
    assert "not signed" in told and "not measured. Canaries were switched off" in told
    assert main(["verify-certificate", str(proof.certificate)]) == 3
    assert "nobody vouches" in capfd.readouterr().out


def test_a_batch_without_a_released_image_is_certified_as_not_measured(tmp_path: Path) -> None:
    proof = Proof(tmp_path)
    proof.put("notes.txt", b"hello")
    assert proof.certify() == 3 and proof.everything() == 0
    assert proof.statement()["canaries"]["measured"] is False  # type: ignore[index]


def test_signing_keys_are_private_and_never_overwritten(proof: Proof, capfd: pytest.CaptureFixture[str]) -> None:
    before = proof.key.read_bytes()
    assert stat.S_IMODE(os.stat(proof.key).st_mode) == 0o600
    assert main(["make-signing-key", str(proof.key)]) == 2 and proof.key.read_bytes() == before
    assert "Choose another name" in capfd.readouterr().err
    proof.key.unlink()
    assert main(["make-signing-key", str(proof.key)]) == 2 and not proof.key.exists(), "the public key was in the way"


def test_a_folder_called_like_a_subcommand_is_still_an_input(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(proof.root)
    proof.input.rename("verify-certificate")
    arguments = ["out", "--key-file", "key", "--map", "MAP.csv", "--report", "REPORT.json"]
    assert main(["verify-certificate", *arguments]) == 3
    assert len(proof.tree()) == 2
    assert not is_subcommand(["./verify-certificate", "out"]) and not is_subcommand([])
    assert is_subcommand(["verify-certificate", "CERT.json", "--report", "R.json"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--canaries", "3"], "Add --certificate"),
        (["--certificate", "cert.pdf"], "such as CERT.json"),
        (["--certificate", "no/such/folder/cert.json"], "folder does not exist"),
        (["--certificate", "cert.json", "--issued-at", "yesterday"], "ISO 8601"),
        (["--certificate", "cert.json", "--canaries", "-1"], "0 or more"),
        (["--certificate", "cert.json", "--signing-key", "no-such-key"], "no-such-key: cannot be read"),
        (["--certificate", "cert.json", "--signing-key", "key"], "not an Ed25519 private key"),
        (["--certificate", "REPORT.json"], "names of their own"),
        (["--certificate", "in/cert.json"], "must not lie inside INPUT"),
    ],
)
def test_wrong_proof_options_have_status_two_and_say_what_to_change(
    proof: Proof, change: list[str], told: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(proof.root)
    assert proof.run(*change) == 2
    assert told in capfd.readouterr().err
    assert not proof.output.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such.json"], "no-such.json: cannot be read"),
        (["key", "--public-key", "key.pub"], "key.pub: cannot be read"),
        (["key", "--public-key", "REPORT"], "REPORT: not an Ed25519 public key"),
        (["key", "--files", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_wrong_verifying_has_status_two_and_names_the_file(
    proof: Proof, arguments: list[str], told: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(proof.root)
    (proof.root / "REPORT").write_bytes(b"\x00\xff")
    assert main(["verify-certificate", *arguments]) == 2
    assert told in capfd.readouterr().err


def test_a_certificate_with_one_changed_digit_is_not_genuine_and_the_section_is_named(
    proof: Proof, capfd: pytest.CaptureFixture[str]
) -> None:
    proof.certify("--canaries", "0")
    text = proof.certificate.read_text()
    proof.certificate.write_text(text.replace('"released": 2', '"released": 3', 1))
    capfd.readouterr()
    assert proof.verify() == 3
    told = capfd.readouterr().out
    assert "NOT GENUINE" in told and "section counts" in told
