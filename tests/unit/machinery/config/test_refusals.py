"""What each kind refuses beyond types: one line per rule of the format. The document without the slip is accepted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from talos.base import errors
from talos.machinery.config import encoder, findings, loader, schema

LONG = "x" * 300
# Kind, change of its example (a dotted path may be given), path that is complained about.
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("BGPInstanceConfig", {"name": ""}, "name"),
    ("BGPInstanceConfig", {"localASN": 0}, "localASN"),
    ("BGPInstanceConfig", {"routerID": "fd00::1"}, "routerID"),
    ("BGPInstanceConfig", {"neighbors": [{"link": "a", "peerASN": 1}, {"link": "a", "peerASN": 1}]}, "neighbors[1]"),
    ("BlackholeRouteConfig", {"name": ""}, "name"),
    ("BlackholeRouteConfig", {"name": "10.0.0.0"}, "name"),
    ("BondConfig", {"name": ""}, "name"),
    ("BondConfig", {"links": []}, "links"),
    ("BondConfig", {"bondMode": None}, "bondMode"),
    ("BridgeConfig", {"name": ""}, "name"),
    ("CRIBaseRuntimeSpecConfig", {"overrides": {"process": 7}}, "overrides"),
    ("CRICustomizationConfig", {"name": ""}, "name"),
    ("CRICustomizationConfig", {"name": "a/b"}, "name"),
    ("ContainerConfig", {"image": ""}, "image"),
    ("ContainerConfig", {"environment": ["NOVALUE"]}, "environment[0]"),
    ("DHCPv4Config", {"name": ""}, "name"),
    ("DHCPv4Config", {"clientIdentifier": "mac", "duidRaw": "00:01:02:03"}, "duidRaw"),
    ("DHCPv4Config", {"clientIdentifier": "duid", "duidRaw": None}, "duidRaw"),
    ("DHCPv6Config", {"name": ""}, "name"),
    ("DHCPv6Config", {"clientIdentifier": "none", "duidRaw": "00:01:02:03"}, "duidRaw"),
    ("DiscoveryIdentityConfig", {"clusterID": ""}, "clusterID"),
    ("DiscoveryIdentityConfig", {"clusterSecret": ""}, "clusterSecret"),
    ("DiscoveryIdentityConfig", {"clusterSecret": "no base64!"}, "clusterSecret"),
    ("DiscoveryServiceConfig", {"name": ""}, "name"),
    ("DiscoveryServiceConfig", {"endpoint": ""}, "endpoint"),
    ("DummyLinkConfig", {"name": ""}, "name"),
    ("EnvironmentConfig", {"variables": {"a b": "c"}}, "variables"),
    ("EtcFileConfig", {"name": ""}, "name"),
    ("EthernetConfig", {"name": ""}, "name"),
    ("EventSinkConfig", {"endpoint": "nowhere"}, "endpoint"),
    ("ExistingVolumeConfig", {"name": ""}, "name"),
    ("ExistingVolumeConfig", {"name": "a_b"}, "name"),
    ("ExtensionServiceConfig", {"name": ""}, "name"),
    ("ExtensionServiceConfig", {"configFiles": [], "environment": []}, ""),
    ("ExtensionServiceConfig", {"configFiles": [{"content": "", "mountPath": "/a"}]}, "configFiles[0].content"),
    ("ExtensionServiceConfig", {"configFiles": [{"content": "a", "mountPath": ""}]}, "configFiles[0].mountPath"),
    ("ExternalVolumeConfig", {"name": ""}, "name"),
    ("ExternalVolumeConfig", {"name": LONG}, "name"),
    ("ExternalVolumeConfig", {"name": "a_b"}, "name"),
    ("FilesystemScrubConfig", {"interval": "1s"}, "interval"),
    ("FilesystemTrimConfig", {"interval": "-1h"}, "interval"),
    ("HCloudVIPConfig", {"name": ""}, "name"),
    ("HCloudVIPConfig", {"name": "a"}, "name"),
    ("HCloudVIPConfig", {"link": ""}, "link"),
    ("HCloudVIPConfig", {"apiToken": ""}, "apiToken"),
    ("HTTPProbeConfig", {"name": ""}, "name"),
    ("HTTPProbeConfig", {"url": None}, "url"),
    ("HTTPProbeConfig", {"url": "ftp://a/b"}, "url"),
    ("HTTPProbeConfig", {"url": "http:///b"}, "url"),
    ("HTTPProbeConfig", {"timeout": "-1s"}, "timeout"),
    ("HostnameConfig", {"auto": None, "hostname": ""}, ""),
    ("HostnameConfig", {"auto": "stable", "hostname": "a"}, ""),
    ("HostnameConfig", {"auto": None, "hostname": f"a.{LONG}"}, "hostname"),
    ("HostnameConfig", {"auto": None, "hostname": "-a-"}, "hostname"),
    ("ImageVerificationConfig", {"rules": [{"image": "", "skip": True}]}, "rules[0].image"),
    ("ImageVerificationConfig", {"rules": [{"image": "a", "skip": True, "deny": True}]}, "rules[0]"),
    ("ImageVerificationConfig", {"rules": [{"image": "a"}]}, "rules[0]"),
    ("KernelModuleConfig", {"name": ""}, "name"),
    ("KmsgLogConfig", {"name": ""}, "name"),
    ("KmsgLogConfig", {"url": None}, "url"),
    ("KmsgLogConfig", {"url": "https://a:1"}, "url"),
    ("KmsgLogConfig", {"url": "tcp://a:1/path"}, "url"),
    ("KmsgLogConfig", {"url": "tcp://a"}, "url"),
    ("KubeAPIServerCAConfig", {"issuingCA": {"cert": "x", "key": "y"}}, "issuingCA"),
    ("KubeAPIServerCAConfig", {"acceptedCAs": ["x"]}, "acceptedCAs[0]"),
    ("KubeAPIServerConfig", {"image": ""}, "image"),
    ("KubeAPIServerConfig", {"image": "UPPER:v1"}, "image"),
    ("KubeAdmissionControlConfig", {"name": ""}, "name"),
    ("KubeAggregatorCAConfig", {"issuingCA": None}, "issuingCA"),
    ("KubeAggregatorCAConfig", {"acceptedCAs": ["x"]}, "acceptedCAs[0]"),
    ("KubeAuthorizerConfig", {"name": ""}, "name"),
    ("KubeAuthorizerConfig", {"type": ""}, "type"),
    ("KubeAuthorizerConfig", {"type": "AlwaysAllow"}, "type"),
    ("KubeAuthorizerConfig", {"type": "Webhook", "webhook": None}, "webhook"),
    ("KubeClusterConfig", {"clusterName": ""}, "clusterName"),
    ("KubeClusterConfig", {"endpoint": None}, "endpoint"),
    ("KubeClusterConfig", {"endpoint": "example.com"}, "endpoint"),
    ("KubeControllerManagerConfig", {"image": ""}, "image"),
    ("KubeControllerManagerConfig", {"image": "UPPER:v1"}, "image"),
    ("KubeEtcdEncryptionConfig", {"config": None}, "config"),
    ("KubeExternalManifestConfig", {"name": ""}, "name"),
    ("KubeExternalManifestConfig", {"name": "A B"}, "name"),
    ("KubeExternalManifestConfig", {"url": None}, "url"),
    ("KubeExternalManifestConfig", {"url": "ftp://a/b"}, "url"),
    ("KubeFlannelCNIConfig", {"backendType": ""}, "backendType"),
    ("KubeInlineManifestConfig", {"name": ""}, "name"),
    ("KubeInlineManifestConfig", {"name": "A B"}, "name"),
    ("KubeNetworkConfig", {"nodeCIDRMaskSizeIPv4": 8}, "podSubnets[0]"),
    ("KubeNetworkConfig", {"podSubnets": []}, "podSubnets"),
    ("KubeNetworkConfig", {"serviceSubnets": []}, "serviceSubnets"),
    ("KubeNetworkConfig", {"podSubnets": ["10.0.0.0/16"]}, "serviceSubnets"),
    ("KubeNodeConfig", {"nodeIP": {"validSubnets": ["x"]}}, "nodeIP.validSubnets[0]"),
    ("KubeNodeConfig", {"labels": {"a b": "c"}}, "labels"),
    ("KubeNodeConfig", {"annotations": {"a b": "c"}}, "annotations"),
    ("KubeNodeConfig", {"taints": {"a": "b:Never"}}, "taints"),
    ("KubePrismConfig", {"port": 0}, "port"),
    ("KubeProxyConfig", {"image": ""}, "image"),
    ("KubeProxyConfig", {"image": "UPPER:v1"}, "image"),
    ("KubeProxyConfig", {"mode": "userspace"}, "mode"),
    ("KubeSchedulerConfig", {"image": ""}, "image"),
    ("KubeServiceAccountConfig", {"issuer.privateKey": ""}, "issuer.privateKey"),
    ("KubeServiceAccountConfig", {"issuer.privateKey": "x"}, "issuer.privateKey"),
    ("KubeServiceAccountConfig", {"issuer.issuerURL": ""}, "issuer.issuerURL"),
    ("KubeSpanConfig", {"mtu": 500}, "mtu"),
    ("KubeSpanConfig", {"filters": {"endpoints": ["x"]}}, "filters.endpoints[0]"),
    ("KubeStaticPodConfig", {"name": ""}, "name"),
    ("KubeStaticPodConfig", {"name": "A B"}, "name"),
    ("KubeStaticPodConfig", {"pod": None}, "pod"),
    ("KubeTalosAPIAccessConfig", {"allowedRoles": ["os:king"]}, "allowedRoles[0]"),
    ("KubeletConfig", {"image": ""}, "image"),
    ("KubeletConfig", {"image": "UPPER:v1"}, "image"),
    ("KubeletConfig", {"config": {"staticPodPath": "x"}}, "config"),
    ("LVMLogicalVolumeConfig", {"name": ""}, "name"),
    ("LVMLogicalVolumeConfig", {"name": LONG}, "name"),
    ("LVMLogicalVolumeConfig", {"name": "a b"}, "name"),
    ("LVMLogicalVolumeConfig", {"type": "linear", "mirrors": 2}, "mirrors"),
    ("LVMLogicalVolumeConfig", {"type": "raid1", "mirrors": 0}, "mirrors"),
    ("LVMLogicalVolumeConfig", {"type": "linear", "stripes": 2}, "stripes"),
    ("LVMLogicalVolumeConfig", {"type": "raid0", "stripes": 1}, "stripes"),
    ("LVMLogicalVolumeConfig", {"provisioning.volumeGroup": ""}, "provisioning.volumeGroup"),
    ("LVMLogicalVolumeConfig", {"provisioning.maxSize": ""}, "provisioning.maxSize"),
    ("LVMLogicalVolumeConfig", {"provisioning.maxSize": "-1GiB"}, "provisioning.maxSize"),
    (
        "LVMLogicalVolumeConfig",
        {"provisioning.maxSize": "1GiB", "provisioning.minSize": "2GiB"},
        "provisioning.minSize",
    ),
    ("LVMVolumeGroupConfig", {"name": ""}, "name"),
    ("LVMVolumeGroupConfig", {"name": LONG}, "name"),
    ("Layer2VIPConfig", {"name": "a"}, "name"),
    ("Layer2VIPConfig", {"link": ""}, "link"),
    ("LinkAliasConfig", {"name": ""}, "name"),
    ("LinkAliasConfig", {"name": "net%s"}, "name"),
    ("LinkAliasConfig", {"selector": {"match": ""}}, "selector"),
    ("LinkConfig", {"name": ""}, "name"),
    ("NetworkRuleConfig", {"name": ""}, "name"),
    ("NetworkRuleConfig", {"portSelector.ports": []}, "portSelector.ports"),
    ("NetworkRuleConfig", {"ingress": [{"subnet": ""}]}, "ingress[0].subnet"),
    ("OOMConfig", {"sampleInterval": "0s"}, "sampleInterval"),
    ("OOMConfig", {"triggerExpression": "f(("}, "triggerExpression"),
    ("OOMConfig", {"triggerExpression": "memory_full_avg10 > 12"}, "triggerExpression"),
    ("OOMConfig", {"cgroupRankingExpression": "true"}, "cgroupRankingExpression"),
    ("LinkAliasConfig", {"selector": {"match": "link.drivr == 'e1000'"}}, "selector.match"),
    ("UnattendedInstallConfig", {"provisioning.diskSelector.match": "disk.size > 10"}, "provisioning.diskSelector"),
    ("UserVolumeConfig", {"provisioning.diskSelector.match": "volume.size > 1u"}, "provisioning.diskSelector"),
    ("RawVolumeConfig", {"provisioning.diskSelector.match": "disk.size"}, "provisioning.diskSelector"),
    ("SwapVolumeConfig", {"provisioning.diskSelector.match": "system-disk"}, "provisioning.diskSelector"),
    ("VolumeConfig", {"provisioning.diskSelector.match": "disk.sice > 1u"}, "provisioning.diskSelector"),
    ("ExistingVolumeConfig", {"discovery.volumeSelector.match": "link.mtu > 1u"}, "discovery.volumeSelector"),
    ("LVMVolumeGroupConfig", {"provisioning.volumeSelector.match": "disk.bus == 'a'"}, "provisioning.volumeSelector"),
    ("RAIDArrayConfig", {"provisioning.volumeSelector.match": "disk.size == '1'"}, "provisioning.volumeSelector"),
    ("RAIDArrayConfig", {"name": ""}, "name"),
    ("RAIDArrayConfig", {"name": "a b"}, "name"),
    ("RawVolumeConfig", {"name": ""}, "name"),
    ("RawVolumeConfig", {"name": "a_b"}, "name"),
    ("RegistryAuthConfig", {"name": ""}, "name"),
    ("RegistryAuthConfig", {"username": "a", "password": "b", "identityToken": "c"}, ""),
    ("RegistryAuthConfig", {"username": "a", "password": "b", "auth": "c"}, ""),
    ("RegistryMirrorConfig", {"name": ""}, "name"),
    ("RegistryMirrorConfig", {"endpoints": [{"url": ""}]}, "endpoints[0].url"),
    ("RegistryMirrorConfig", {"endpoints": [{"url": "ftp://a"}]}, "endpoints[0].url"),
    ("RegistryTLSConfig", {"name": ""}, "name"),
    ("RegistryTLSConfig", {"ca": "x"}, "ca"),
    ("RegistryTLSConfig", {"clientIdentity": {"cert": "x", "key": "y"}}, "clientIdentity"),
    ("ResolverConfig", {"hostDNS": {"enabled": False, "forwardKubeDNSToHost": True}}, "hostDNS"),
    ("ResolverConfig", {"hostDNS": {"enabled": False, "resolveMemberNames": True}}, "hostDNS"),
    ("ResolverConfig", {"nameservers": [{"address": "1.1.1.1", "protocol": "DoT"}]}, "nameservers[0]"),
    ("ResolverConfig", {"nameservers": [{"address": "1.1.1.1", "protocol": "DoH"}]}, "nameservers[0]"),
    ("ResolverConfig", {"nameservers": [{"address": "1.1.1.1", "tlsServerName": "a"}]}, "nameservers[0]"),
    ("ResolverConfig", {"nameservers": [{"address": ""}]}, "nameservers[0]"),
    ("RoutingRuleConfig", {"name": ""}, "name"),
    ("RoutingRuleConfig", {"name": "a"}, "name"),
    ("RoutingRuleConfig", {"name": "32766"}, "name"),
    ("RoutingRuleConfig", {"table": None, "action": None}, "table"),
    ("RoutingRuleConfig", {"fwMask": 1, "fwMark": 0}, "fwMask"),
    ("SideroLinkConfig", {"apiUrl": None}, "apiUrl"),
    ("SideroLinkConfig", {"apiUrl": "http://a"}, "apiUrl"),
    ("SideroLinkConfig", {"apiUrl": "https://a/path"}, "apiUrl"),
    ("StaticHostConfig", {"name": ""}, "name"),
    ("StaticHostConfig", {"name": "a"}, "name"),
    ("StaticHostConfig", {"hostnames": []}, "hostnames"),
    ("SwapVolumeConfig", {"name": ""}, "name"),
    ("SwapVolumeConfig", {"name": LONG}, "name"),
    ("SysctlConfig", {"params": {"": "1"}}, "params"),
    ("SysfsConfig", {"params": {"": "1"}}, "params"),
    ("TCPProbeConfig", {"name": ""}, "name"),
    ("TCPProbeConfig", {"endpoint": ""}, "endpoint"),
    ("TCPProbeConfig", {"timeout": "-1s"}, "timeout"),
    ("TimeSyncConfig", {"bootTimeout": "-1s"}, "bootTimeout"),
    ("TimeSyncConfig", {"ntp": {"servers": ["a"]}, "ptp": {"devices": ["/dev/ptp0"]}}, ""),
    ("TimeSyncConfig", {"ntp": {"servers": ["10.0.0.1"], "useNTS": True}}, "ntp.servers[0]"),
    ("UserVolumeConfig", {"name": ""}, "name"),
    ("UserVolumeConfig", {"name": LONG}, "name"),
    ("UserVolumeConfig", {"name": "a_b"}, "name"),
    ("UserVolumeConfig", {"volumeType": "directory"}, "provisioning"),
    ("VLANConfig", {"name": ""}, "name"),
    ("VLANConfig", {"vlanID": 0}, "vlanID"),
    ("VLANConfig", {"vlanID": 4095}, "vlanID"),
    ("VLANConfig", {"parent": ""}, "parent"),
    ("VRFConfig", {"name": ""}, "name"),
    ("VRFConfig", {"table": "main"}, "table"),
    ("VethConfig", {"name": "a", "peer": {"name": "a"}}, "peer.name"),
    ("VolumeConfig", {"name": "OTHER"}, "name"),
    ("WatchdogTimerConfig", {"device": ""}, "device"),
    ("WatchdogTimerConfig", {"timeout": "1s"}, "timeout"),
    ("WireguardConfig", {"name": ""}, "name"),
    ("WireguardConfig", {"privateKey": ""}, "privateKey"),
    ("WireguardConfig", {"privateKey": "short"}, "privateKey"),
    ("WireguardConfig", {"peers": [{"publicKey": ""}]}, "peers[0].publicKey"),
    ("WireguardConfig", {"peers": [{"publicKey": "short"}]}, "peers[0].publicKey"),
    ("ZswapConfig", {"maxPoolPercent": 101}, "maxPoolPercent"),
]


def changed(kind: str, change: dict[str, Any]) -> bytes:
    """The example of a kind with other values; None takes the key away."""
    data = yaml.safe_load(encoder.document_text(encoder.document_data(schema.kinds()[kind].example())))
    for path, value in change.items():
        *above, key = path.split(".")
        target = data
        for step in above:
            target = target.setdefault(step, {})
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    text: bytes = yaml.safe_dump(data, sort_keys=False).encode()
    return text


def complaints(text: bytes) -> set[str]:
    try:
        bundle = loader.load(text)
    except errors.Invalid as error:
        return {problem.path for problem in error.problems}
    found = findings.Findings()
    bundle.documents[0].validate(found)
    return {problem.path for problem in found.errors}


@pytest.mark.feature("F009")
@pytest.mark.parametrize(("kind", "change", "path"), CASES, ids=[f"{k}-{n}" for n, (k, _, _) in enumerate(CASES)])
def test_the_slip_is_found_where_it_is(kind: str, change: dict[str, Any], path: str) -> None:
    found = complaints(changed(kind, change))
    assert found, "accepted"
    assert any(one == path or one.startswith((f"{path}.", f"{path}[")) or path == "" for one in found), found
    assert complaints(changed(kind, {})) == set()
