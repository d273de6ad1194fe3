"""gen, machineconfig and validate: what they write, with which modes, what they refuse and what they say."""

from __future__ import annotations

import base64
import datetime
import io
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509 as lib
from cryptography.x509.oid import ExtendedKeyUsageOID

from talos.base.constants import versions
from talos.machinery.client import talosconfig
from talos.machinery.config import loader, secrets, views
from talos.machinery.config.documents.runtime import unattended_install
from talos.pki import x509
from talos.talosctl import main
from tests.unit.talosctl.commands.conftest import Run

ENDPOINT = "https://10.5.0.2:6443"
BARE = ("--with-docs=false", "--with-examples=false")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture(scope="session")
def bundle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from talos.pki import bundle

    file = tmp_path_factory.mktemp("secrets") / "secrets.yaml"
    file.write_bytes(bundle.generate().encode())
    return file


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Any:
    def _run(*argv: str) -> Run:
        capfd.readouterr()
        try:
            code = int(main.run(argv))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 2
        captured = capfd.readouterr()
        return Run(code, captured.out, captured.err)

    return _run


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def certificate(path: str) -> lib.Certificate:
    return x509.load_certificates(Path(path).read_bytes())[0]


# Keys and certificates --


@pytest.mark.feature("G068", "G070", "G071", "G072", "G079")
def test_authority_key_request_and_certificate_fit_together(run: Any) -> None:
    assert run("gen", "ca", "--organization", "talos").code == 0
    assert run("gen", "key", "--name", "admin").code == 0
    assert run("gen", "csr", "--key", "admin.key", "--ip", "127.0.0.1", "--roles", "os:reader,os:etcd:backup").code == 0
    assert run("gen", "crt", "--ca", "talos", "--csr", "admin.csr", "--name", "admin", "--hours", "48").code == 0
    made = {"talos.crt", "talos.key", "talos.sha256", "admin.key", "admin.csr", "admin.crt"}
    assert {path.name for path in Path().iterdir()} == made
    assert all(mode(name) == 0o600 for name in made)
    authority, client = certificate("talos.crt"), certificate("admin.crt")
    client.verify_directly_issued_by(authority)
    assert authority.subject.rfc4514_string() == "O=talos"
    organizations = client.subject.get_attributes_for_oid(lib.NameOID.ORGANIZATION_NAME)
    assert [one.value for one in organizations] == ["os:etcd:backup", "os:reader"]
    usage = client.extensions.get_extension_for_class(lib.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    left = client.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=47) < left <= datetime.timedelta(hours=48)
    assert client.public_key() == x509.load_key(Path("admin.key").read_bytes()).public_key()


def test_fingerprint_is_that_of_the_public_key(run: Any) -> None:
    run("gen", "ca", "--organization", "talos")
    public = subprocess.run(
        "openssl x509 -in talos.crt -noout -pubkey | openssl pkey -pubin -outform der | sha256sum",
        shell=True, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert Path("talos.sha256").read_text() == f"sha256:{public.stdout.split()[0]}"


@pytest.mark.feature("G068")
def test_rsa_authority_with_another_lifetime(run: Any) -> None:
    assert run("gen", "ca", "--organization", "r", "--rsa", "--hours", "24").code == 0
    assert Path("r.key").read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
    found = certificate("r.crt")
    assert found.not_valid_after_utc - found.not_valid_before_utc == datetime.timedelta(hours=24)


@pytest.mark.feature("G073")
def test_keypair_is_for_an_address(run: Any) -> None:
    assert run("gen", "keypair", "--organization", "me", "--ip", "10.5.0.7").code == 0
    names = certificate("me.crt").extensions.get_extension_for_class(lib.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(lib.IPAddress)] == ["10.5.0.7"]
    assert (mode("me.crt"), mode("me.key")) == (0o600, 0o600)


@pytest.mark.feature("G079")
@pytest.mark.parametrize(
    ("argv", "file"),
    [
        (("gen", "ca", "--organization", "a"), "a.sha256"),
        (("gen", "key", "--name", "a"), "a.key"),
        (("gen", "keypair", "--organization", "a"), "a.key"),
        (("gen", "secrets"), "secrets.yaml"),
        (("gen", "config", "c", ENDPOINT), "worker.yaml"),
    ],
)
def test_files_that_are_there_are_kept_unless_forced(run: Any, argv: tuple[str, ...], file: str) -> None:
    Path(file).write_text("mine")
    refused = run(*argv)
    assert refused.code == 7
    assert "--force" in refused.err
    assert [path.name for path in Path().iterdir()] == [file], "nothing else was written either"
    assert Path(file).read_text() == "mine"
    assert run(*argv, "-f").code == 0
    assert Path(file).read_text() != "mine"
    assert mode(file) == (0o644 if file == "worker.yaml" else 0o600)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("gen", "ca"), ["--organization"]),
        (("gen", "crt"), ["--name", "--ca", "--csr"]),
        (("gen", "csr", "--key", "k", "--ip", "here", "--roles", "root"), ["--roles", "'root'", "--ip", "'here'"]),
        (("gen", "keypair", "--organization", "a", "--ip", "x"), ["--ip"]),
        (("validate",), ["--config", "--mode"]),
        (("validate", "-c", "x", "-m", "cook"), ["--mode", "metal"]),
        (("machineconfig", "patch", "x"), ["--patch"]),
        (("gen", "secrets", "--talos-version", "1.99"), ["1.99"]),
        (("gen", "secrets", "-t", "short"), ["token"]),
        (("gen", "config", "c", ENDPOINT, "-o", "-"), ["--output-types"]),
        (("gen", "config", "c", ENDPOINT, "-t", "talosconfig,cook"), ["cook"]),
        (("gen", "config", "c", ENDPOINT, "--version", "v2"), ["v1alpha1"]),
        (("gen", "config", "c", ENDPOINT, "--registry-mirror", "ghcr.io"), ["HOST=URL"]),
        (("gen", "config", "c", ENDPOINT, "--kubernetes-version", "latest"), ["kubernetes version"]),
        (("gen", "config", "c", "10.5.0.2"), ["https://10.5.0.2:6443"]),
        (("gen", "config", "c", "10.5.0.2:6440"), ["https://10.5.0.2:6440"]),
        (("gen", "config", "c", "http://[fd00::1]"), ["https://[fd00::1]:6443"]),
        (("gen", "config", "c", "https://"), ["endpoint"]),
        (("gen", "config", "", ENDPOINT), ["name"]),
    ],
)
def test_wrong_usage_is_told_and_writes_nothing(run: Any, argv: tuple[str, ...], words: list[str]) -> None:
    found = run(*argv)
    assert found.code == 2
    assert found.out == ""
    for word in words:
        assert word in found.err
    assert list(Path().iterdir()) == []


# Secrets --


@pytest.mark.feature("G074", "F023")
def test_secrets_are_new_each_time_and_only_for_the_owner(run: Any) -> None:
    assert run("gen", "secrets", "-o", "a/s.yaml").code == 0
    assert mode("a/s.yaml") == 0o600
    shown = run("gen", "secrets", "-o", "-")
    one, other = secrets.Bundle.load(Path("a/s.yaml").read_bytes()), secrets.Bundle.load(shown.out.encode())
    for name in ("cluster_id", "cluster_secret", "bootstrap_token", "trustd_token", "secretbox", "os", "k8s", "etcd"):
        assert getattr(one, name) != getattr(other, name)
    assert list(yaml.safe_load(shown.out)) == ["cluster", "secrets", "trustdinfo", "certs"]


@pytest.mark.feature("G074", "F021")
@pytest.mark.parametrize(
    ("release", "label", "key"),
    [("v1.14", b"RSA", "secretbox"), ("v1.6", b"EC", "secretbox"), ("v1.2.3", b"EC", "aescbc")],
)
def test_secrets_for_older_releases(run: Any, release: str, label: bytes, key: str) -> None:
    token = "abcdef.0123456789abcdef"
    text = run("gen", "secrets", "-o", "-", "--talos-version", release, "-t", token).out
    made = secrets.Bundle.load(text.encode())
    assert made.bootstrap_token == token
    assert made.service_account.startswith(b"-----BEGIN " + label)
    assert [name for name in ("secretbox", "aescbc") if getattr(made, name)] == [key]


@pytest.mark.feature("G074")
@pytest.mark.parametrize("release", ["v1.14", "v1.13", "v1.3", "v1.2", "v1.0"])
def test_secrets_are_taken_from_a_control_plane(run: Any, bundle_file: Path, release: str) -> None:
    have = bundle_file
    if release in ("v1.2", "v1.0"):
        have = Path("old.yaml")
        assert run("gen", "secrets", "-o", "old.yaml", "--talos-version", release).code == 0
    options = ("--with-secrets", str(have), "--talos-version", release, *BARE)
    assert run("gen", "config", "c", ENDPOINT, *options).code == 0
    assert run("gen", "secrets", "--from-controlplane-config", "controlplane.yaml").code == 0
    assert Path("secrets.yaml").read_bytes() == have.read_bytes()
    refused = run("gen", "secrets", "--from-controlplane-config", "worker.yaml", "-o", "w.yaml")
    assert refused.code == 2
    assert "control plane" in refused.err


@pytest.mark.feature("G074", "F024")
def test_secrets_are_taken_from_kubeadm(run: Any, bundle_file: Path) -> None:
    have = secrets.Bundle.load(bundle_file.read_bytes())
    Path("pki/etcd").mkdir(parents=True)
    for name, pair in (("ca", have.k8s), ("etcd/ca", have.etcd), ("front-proxy-ca", have.aggregator)):
        Path(f"pki/{name}.crt").write_bytes(pair.crt)
        Path(f"pki/{name}.key").write_bytes(pair.key)
    missing = run("gen", "secrets", "-p", "pki")
    assert missing.code == 2
    assert "pki/sa.key" in missing.err
    Path("pki/sa.key").write_bytes(have.service_account)
    assert run("gen", "secrets", "-p", "pki", "-t", have.bootstrap_token).code == 0
    made = secrets.Bundle.load(Path("secrets.yaml").read_bytes())
    assert (made.k8s, made.etcd, made.aggregator) == (have.k8s, have.etcd, have.aggregator)
    assert (made.service_account, made.bootstrap_token) == (have.service_account, have.bootstrap_token)
    assert made.os != have.os
    Path("pki/ca.key").write_bytes(have.etcd.key)
    wrong = run("gen", "secrets", "-p", "pki", "-o", "other.yaml")
    assert "certs.k8s: the private key does not belong to the certificate" in wrong.err


# Configurations --


@pytest.mark.feature("G069", "F022")
def test_config_writes_three_files_and_says_so(run: Any, bundle_file: Path) -> None:
    found = run("gen", "config", "c", ENDPOINT, "--with-secrets", str(bundle_file), "-o", "made")
    assert found.code == 0
    assert found.out == ""
    assert found.err.splitlines() == [f"Created made/{n}" for n in ("controlplane.yaml", "worker.yaml", "talosconfig")]
    assert [mode(f"made/{n}") for n in ("controlplane.yaml", "worker.yaml", "talosconfig")] == [0o644, 0o644, 0o600]
    config = loader.load(Path("made/controlplane.yaml").read_bytes())
    install = config.one(unattended_install.UnattendedInstallConfig)
    assert install is not None
    assert install.provisioning is not None
    assert install.provisioning.disk_selector is not None
    assert install.provisioning.disk_selector.match == 'disk.dev_path == "/dev/sda"'
    assert views.kubelet(config).image.endswith(versions.KUBERNETES)
    name, context = talosconfig.load(Path("made/talosconfig")).get()
    assert name == "c"
    have = secrets.Bundle.load(bundle_file.read_bytes())
    assert context.ca == have.os.crt
    x509.load_certificates(context.crt)[0].verify_directly_issued_by(x509.load_certificates(have.os.crt)[0])
    for made in ("controlplane", "worker"):
        for where in ("metal", "cloud"):
            checked = run("validate", "-c", f"made/{made}.yaml", "-m", where)
            assert checked.code == 0
            assert checked.err.startswith("note: accepted, not yet used")
            assert checked.out == f"made/{made}.yaml is valid for {where} mode\n"


@pytest.mark.feature("G069")
def test_config_flags_reach_the_configuration(run: Any, bundle_file: Path) -> None:
    found = run(
        "gen", "config", "c", ENDPOINT, "--with-secrets", str(bundle_file), "-t", "controlplane", "-o", "-", *BARE,
        "--additional-sans", "a.example,b.example", "--dns-domain", "example.net", "--install-disk", "/dev/vda",
        "--install-image", "example.net/installer:v1", "--kubernetes-version", "1.36.0", "--with-kubespan",
        "--registry-mirror", "ghcr.io=https://one.example,ghcr.io=https://two.example", "--with-cluster-discovery",
    )  # fmt: skip
    assert found.code == 0
    for text in (
        "    - a.example\n", "dnsDomain: example.net\n", 'disk.dev_path == "/dev/vda"', "example.net/installer:v1",
        "kube-apiserver:v1.36.0\n", "kind: KubeSpanConfig\n", "    - url: https://one.example\n    - url: https://two.example\n",
    ):  # fmt: skip
        assert text in found.out
    loader.load(found.out.encode())
    off = run("gen", "config", "c", ENDPOINT, "-t", "worker", "-o", "-", "--with-cluster-discovery=false", *BARE)
    assert "DiscoveryServiceConfig" not in off.out


@pytest.mark.feature("G069")
def test_config_patches_reach_their_machines(run: Any, bundle_file: Path) -> None:
    Path("worker.patch").write_text("machine:\n    certSANs: [worker.example]\n")
    options = ["--config-patch", "debug: true", "--config-patch-worker", "@worker.patch"]
    options += ["--config-patch-control-plane", '{"machine": {"certSANs": ["plane.example"]}}']
    assert run("gen", "config", "c", ENDPOINT, "--with-secrets", str(bundle_file), *options).code == 0
    for name, sans in (("controlplane", ("plane.example",)), ("worker", ("worker.example",))):
        config = loader.load(Path(f"{name}.yaml").read_bytes())
        assert views.machine(config).cert_sans == sans
        assert config.v1alpha1 is not None
        assert config.v1alpha1.debug is True
    broken = run("gen", "config", "c", ENDPOINT, "-o", "x", "--config-patch-worker", "machine: {nonsense: 1}")
    assert broken.code == 2
    assert "nonsense" in broken.err
    assert not Path("x").exists()


@pytest.mark.feature("G069")
def test_single_output_is_a_file(run: Any, bundle_file: Path) -> None:
    options = ("--with-secrets", str(bundle_file), "-t", "worker")
    assert run("gen", "config", "c", ENDPOINT, *options, "-o", "deep/w.yaml").code == 0
    assert loader.load(Path("deep/w.yaml").read_bytes())
    assert run("gen", "config", "c", ENDPOINT, *options, "--output-dir", "folder").code == 0
    assert Path("folder/worker.yaml").exists()
    shown = run("machineconfig", "gen", "c", ENDPOINT, *options, "-o", "-")
    assert shown.err == ""
    assert shown.out == Path("deep/w.yaml").read_text()


@pytest.mark.feature("F013", "G069")
@pytest.mark.parametrize("release", ["v1.14", "v1.12", "v1.3"])
def test_docs_and_examples_change_comments_only(run: Any, bundle_file: Path, release: str) -> None:
    base = ("gen", "config", "c", ENDPOINT, "--with-secrets", str(bundle_file), "-o", "-", "--talos-version", release)
    for kind in ("controlplane", "worker"):
        texts = [
            run(*base, "-t", kind, f"--with-docs={docs}", f"--with-examples={examples}").out
            for docs in ("true", "false") for examples in ("true", "false")
        ]  # fmt: skip
        configs = [loader.load(text.encode()) for text in texts]
        assert len(set(texts)) == 4
        assert all(config == configs[-1] for config in configs)
        assert "#" not in texts[-1]
        assert max(len(line) for line in texts[0].splitlines() if " # " in line and "LS0t" not in line) <= 200


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda data: data["certs"]["os"].pop("key"), "certs.os.key"),
        (lambda data: data["certs"]["k8s"].update(key=data["certs"]["etcd"]["key"]), "certs.k8s"),
        (lambda data: data["certs"]["os"].update(crt=base64.b64encode(b"-----BEGIN X-----").decode()), "certs.os"),
        (lambda data: data["secrets"].update(aescbcencryptionsecret="x"), "only one of"),
        (lambda data: data["secrets"].pop("secretboxencryptionsecret"), "one of"),
        (lambda data: data.pop("trustdinfo"), "trustdinfo.token"),
    ],
)
def test_broken_secrets_are_refused(run: Any, bundle_file: Path, change: Any, word: str) -> None:
    data = yaml.safe_load(bundle_file.read_text())
    change(data)
    Path("broken.yaml").write_text(yaml.safe_dump(data))
    found = run("gen", "config", "c", ENDPOINT, "--with-secrets", "broken.yaml", "-o", "out")
    assert found.code == 2
    assert f"broken.yaml: {word}" in found.err or word in found.err
    assert not Path("out").exists()


def test_old_release_needs_secrets_made_for_it(run: Any, bundle_file: Path) -> None:
    options = ("--with-secrets", str(bundle_file), "--talos-version", "v1.2", "-o", "out")
    found = run("gen", "config", "c", ENDPOINT, *options)
    assert found.code == 2
    assert "gen secrets --talos-version v1.2" in found.err


# Patching and validation --


@pytest.mark.feature("G099")
def test_machineconfig_patch_leaves_the_file_alone(run: Any) -> None:
    text = "version: v1alpha1\nmachine:\n    type: worker # mine\ncluster: null\n"
    Path("a.yaml").write_text(text)
    shown = run("machineconfig", "patch", "a.yaml", "-p", "debug: true", "-p", '[{"op": "remove", "path": "/debug"}]')
    assert shown.code == 0
    assert yaml.safe_load(shown.out) == yaml.safe_load(text) | {"machine": yaml.safe_load(shown.out)["machine"]}
    assert Path("a.yaml").read_text() == text
    assert run("mc", "patch", "a.yaml", "-p", "debug: true", "-o", "a.yaml").code == 0
    assert yaml.safe_load(Path("a.yaml").read_text())["debug"] is True
    assert run("mc", "patch", "none.yaml", "-p", "debug: true").code == 3


def test_patch_reads_stdin(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"apiVersion: v1alpha1\nkind: KubeClusterConfig\nclusterName: a\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    patch = "apiVersion: v1alpha1\nkind: KubeClusterConfig\nclusterName: b\n"
    assert "clusterName: b" in run("mc", "patch", "-", "-p", patch).out


@pytest.mark.feature("G125")
def test_validate_tells_every_problem_with_its_place(run: Any) -> None:
    Path("c.yaml").write_text("version: v1alpha1\nmachine:\n  type: cook\n  tokn: x\n---\nkind: Nothing\n")
    found = run("validate", "-c", "c.yaml", "-m", "metal")
    assert found.code == 1
    assert found.out == ""
    assert "error: c.yaml:4:3: machine.tokn: " in found.err
    assert "'token'" in found.err
    assert "c.yaml:6" in found.err
    missing = run("validate", "-c", "none.yaml", "-m", "metal")
    assert missing.code == 3
    assert "none.yaml" in missing.err


@pytest.mark.feature("G125", "F009")
def test_validate_warns_and_strict_makes_it_an_error(run: Any, bundle_file: Path) -> None:
    options = ("--with-secrets", str(bundle_file), "--talos-version", "v1.12", "-t", "controlplane", "-o", "c.yaml")
    patch = "machine: {install: {extensions: [{image: example.net/one:v1}]}}"
    assert run("gen", "config", "c", ENDPOINT, *options, "--config-patch", patch).code == 0
    found = run("validate", "-c", "c.yaml", "-m", "metal")
    assert found.code == 0
    assert found.err.startswith("warning: c.yaml:")
    assert "machine.install.extensions" in found.err
    assert found.out == "c.yaml is valid for metal mode\n"
    strict = run("validate", "-c", "c.yaml", "-m", "metal", "--strict")
    assert (strict.code, strict.out) == (1, "")
    warnings = [line for line in found.err.splitlines() if not line.startswith("note: ")]
    assert strict.err.splitlines() == [line.replace("warning: ", "error: ", 1) for line in warnings]
