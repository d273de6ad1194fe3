import json

from talos.supervisor.containerd import spec

FREE = spec.Host(bounding=frozenset({"CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE"}))
TIGHT = spec.Host(
    bounding=frozenset({"CAP_CHOWN"}),
    may_lower_oom_score=False,
    oom_score_adj=0,
    hard_limits={"RLIMIT_NOFILE": 4096},
)
IMAGE = spec.ImageConfig(entrypoint=("/app",), command=("serve",), env=("A=1", "PATH=/bin"), user="65532:65533")


def test_image_configuration_is_the_default() -> None:
    built = spec.build(IMAGE, spec.Options(), FREE)
    assert built["process"]["args"] == ["/app", "serve"]
    assert built["process"]["user"] == {"uid": 65532, "gid": 65533, "additionalGids": []}
    assert built["process"]["env"] == ["PATH=/bin", "A=1"]
    assert built["process"]["noNewPrivileges"] is True
    json.dumps(built)


def test_options_win() -> None:
    options = spec.Options(args=("x",), uid=60, gid=61, env=("A=2",), working_dir="/w", read_only_root=True)
    built = spec.build(IMAGE, options, FREE)
    assert built["process"]["args"] == ["x"]
    assert built["process"]["user"]["uid"] == 60
    assert "A=2" in built["process"]["env"]
    assert built["process"]["cwd"] == "/w"
    assert built["root"]["readonly"] is True
    kept = spec.build(IMAGE, spec.Options(args=("x",), keep_entrypoint=True), FREE)
    assert kept["process"]["args"] == ["/app", "x"]


def test_capabilities_stay_within_the_bounding_set() -> None:
    everything = spec.build(IMAGE, spec.Options(capabilities=None, uid=0), TIGHT)["process"]["capabilities"]
    assert everything["bounding"] == ["CAP_CHOWN"]
    assert everything["ambient"] == []
    usual = spec.build(IMAGE, spec.Options(), FREE)["process"]["capabilities"]
    assert usual["effective"] == usual["ambient"] == ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    assert spec.build(IMAGE, spec.Options(capabilities=()), FREE)["process"]["capabilities"]["bounding"] == []


def test_oom_score_is_lowered_only_where_it_may_be() -> None:
    options = spec.Options(oom_score_adj=-450)
    assert spec.build(IMAGE, options, FREE)["process"]["oomScoreAdj"] == -450
    assert spec.build(IMAGE, options, TIGHT)["process"]["oomScoreAdj"] == 0
    assert spec.build(IMAGE, spec.Options(oom_score_adj=500), TIGHT)["process"]["oomScoreAdj"] == 500


def test_limits_are_not_raised_beyond_the_machines() -> None:
    options = spec.Options(rlimits={"RLIMIT_NOFILE": 65536})
    assert spec.build(IMAGE, options, TIGHT)["process"]["rlimits"][0]["hard"] == 4096
    assert spec.build(IMAGE, options, FREE)["process"]["rlimits"][0]["hard"] == 65536


def test_namespaces_and_devices() -> None:
    options = spec.Options(
        host_namespaces=frozenset({"network", "pid", "ipc", "uts", "cgroup"}), devices=True, masked=False
    )
    linux = spec.build(IMAGE, options, FREE)["linux"]
    assert linux["namespaces"] == [{"type": "mount"}]
    assert linux["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert linux["maskedPaths"] == []
    usual = spec.build(IMAGE, spec.Options(), FREE)["linux"]
    assert [one["type"] for one in usual["namespaces"]] == ["mount", "pid", "ipc", "uts", "cgroup"]
    assert "/proc/kcore" in usual["maskedPaths"]


def test_a_mount_replaces_the_default_one() -> None:
    built = spec.build(
        IMAGE, spec.Options(mounts=(spec.bind("/dev", propagation="slave"), spec.bind("/a", "/b"))), FREE
    )
    by_target = {one["destination"]: one for one in built["mounts"]}
    assert by_target["/dev"] == {
        "destination": "/dev",
        "type": "bind",
        "source": "/dev",
        "options": ["rbind", "rslave", "rw"],
    }
    assert by_target["/b"]["source"] == "/a"
    assert len([one for one in built["mounts"] if one["destination"] == "/dev"]) == 1
