from talos.linux import mount

LINES = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n",
    "40 36 0:30 / /with\\040space rw - tmpfs tmpfs rw\n",
    "garbage\n",
    "41 36 0:31 / /with\\040space ro - tmpfs other rw,size=1k\n",
]


def test_mountinfo_lines() -> None:
    parsed = list(mount.parse_mountinfo(LINES))
    assert len(parsed) == 3
    assert parsed[0].propagation == ("master:1", "shared:2")
    assert parsed[0].super_options == ("rw", "errors=continue")
    assert parsed[1].target == "/with space"


def test_find_returns_topmost() -> None:
    found = mount.find("/with space", mount.parse_mountinfo(LINES))
    assert found is not None
    assert found.source == "other"
    assert mount.find("/nowhere", mount.parse_mountinfo(LINES)) is None


def test_usage_and_magic_of_root() -> None:
    usage = mount.usage("/")
    assert usage.size_bytes >= usage.free_bytes >= usage.available_bytes > 0
    assert mount.magic("/proc") == 0x9FA0
