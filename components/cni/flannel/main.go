// The CNI plug-in "flannel": turns the subnet that flanneld leased for this node into a configuration of the bridge
// plug-in and delegates to it.
//
// flanneld writes FLANNEL_NETWORK, FLANNEL_SUBNET, FLANNEL_MTU and FLANNEL_IPMASQ to the subnet file
// (/run/flannel/subnet.env). The delegate's configuration is kept per container, so that DEL works after the lease changed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

const (
	defaultSubnetFile = "/run/flannel/subnet.env"
	defaultDataDir    = "/var/lib/cni/flannel"
	leaseTimeout      = 20 * time.Second
	leaseInterval     = 100 * time.Millisecond
)

type config struct {
	types.NetConf
	SubnetFile    string         `json:"subnetFile"`
	DataDir       string         `json:"dataDir"`
	Delegate      map[string]any `json:"delegate"`
	RuntimeConfig map[string]any `json:"runtimeConfig,omitempty"`
}

type lease struct {
	networks []*net.IPNet
	subnets  []*net.IPNet
	mtu      int
	masq     bool
}

func parseConfig(stdin []byte) (*config, error) {
	parsed := &config{SubnetFile: defaultSubnetFile, DataDir: defaultDataDir}
	if err := json.Unmarshal(stdin, parsed); err != nil {
		return nil, fmt.Errorf("network configuration: %w", err)
	}
	return parsed, nil
}

func parseNetworks(value string) ([]*net.IPNet, error) {
	var networks []*net.IPNet
	for part := range strings.SplitSeq(value, ",") {
		ip, network, err := net.ParseCIDR(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		networks = append(networks, &net.IPNet{IP: ip.Mask(network.Mask), Mask: network.Mask})
	}
	return networks, nil
}

// awaitLease gives flanneld time to write its first lease: a pod that is set up meanwhile starts a moment later, where a
// refusal would cost it the back-off of the kubelet.
func awaitLease(path string) (*lease, error) {
	for deadline := time.Now().Add(leaseTimeout); ; time.Sleep(leaseInterval) {
		read, err := readLease(path)
		if err == nil || !errors.Is(err, os.ErrNotExist) || time.Now().After(deadline) {
			return read, err
		}
	}
}

func readLease(path string) (*lease, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("flanneld has no lease yet: %w", err)
	}
	defer file.Close() //nolint:errcheck
	read := &lease{}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		key, value, _ := strings.Cut(scanner.Text(), "=")
		var networks []*net.IPNet
		switch strings.TrimSpace(key) {
		case "FLANNEL_NETWORK", "FLANNEL_IPV6_NETWORK":
			networks, err = parseNetworks(value)
			read.networks = append(read.networks, networks...)
		case "FLANNEL_SUBNET", "FLANNEL_IPV6_SUBNET":
			networks, err = parseNetworks(value)
			read.subnets = append(read.subnets, networks...)
		case "FLANNEL_MTU":
			read.mtu, err = strconv.Atoi(value)
		case "FLANNEL_IPMASQ":
			read.masq, err = strconv.ParseBool(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, key, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(read.subnets) == 0 || read.mtu == 0 {
		return nil, fmt.Errorf("%s has no FLANNEL_SUBNET or no FLANNEL_MTU", path)
	}
	return read, nil
}

func setDefault(values map[string]any, key string, value any) {
	if _, present := values[key]; !present {
		values[key] = value
	}
}

// delegateConfig is pure: the lease and what the administrator asked for give the bridge's configuration.
func delegateConfig(conf *config, from *lease) map[string]any {
	delegate := map[string]any{}
	for key, value := range conf.Delegate {
		delegate[key] = value
	}
	delegate["name"] = conf.Name
	delegate["cniVersion"] = conf.CNIVersion
	setDefault(delegate, "type", "bridge")
	// flanneld masquerades what leaves the pod network when it says so; else the bridge has to.
	setDefault(delegate, "ipMasq", !from.masq)
	setDefault(delegate, "mtu", from.mtu)
	if delegate["type"] == "bridge" {
		setDefault(delegate, "isGateway", true)
	}
	ranges, routes := [][]map[string]any{}, []map[string]any{}
	for _, subnet := range from.subnets {
		ranges = append(ranges, []map[string]any{{"subnet": subnet.String()}})
	}
	for _, network := range from.networks {
		routes = append(routes, map[string]any{"dst": network.String()})
	}
	delegate["ipam"] = map[string]any{"type": "host-local", "ranges": ranges, "routes": routes}
	if len(conf.RuntimeConfig) > 0 {
		delegate["runtimeConfig"] = conf.RuntimeConfig
	}
	return delegate
}

func savedPath(conf *config, container string) string {
	return filepath.Join(conf.DataDir, filepath.Base(container))
}

func save(conf *config, container string, delegate []byte) error {
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return err
	}
	path := savedPath(conf, container)
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, delegate, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func add(args *skel.CmdArgs) error {
	conf, err := parseConfig(args.StdinData)
	if err != nil {
		return err
	}
	from, err := awaitLease(conf.SubnetFile)
	if err != nil {
		return err
	}
	delegate := delegateConfig(conf, from)
	encoded, err := json.Marshal(delegate)
	if err != nil {
		return err
	}
	if err := save(conf, args.ContainerID, encoded); err != nil {
		return err
	}
	result, err := invoke.DelegateAdd(context.TODO(), delegate["type"].(string), encoded, nil)
	if err != nil {
		return err
	}
	return result.Print()
}

func del(args *skel.CmdArgs) error {
	conf, err := parseConfig(args.StdinData)
	if err != nil {
		return err
	}
	path := savedPath(conf, args.ContainerID)
	encoded, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // DEL is repeated until it succeeds, and may come without an ADD
	}
	if err != nil {
		return err
	}
	saved := types.NetConf{}
	if err := json.Unmarshal(encoded, &saved); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := invoke.DelegateDel(context.TODO(), saved.Type, encoded, nil); err != nil {
		return err
	}
	return os.Remove(path)
}

func check(args *skel.CmdArgs) error {
	conf, err := parseConfig(args.StdinData)
	if err != nil {
		return err
	}
	_, err = readLease(conf.SubnetFile)
	return err
}

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Check: check, Del: del}, version.All, "CNI plug-in flannel (PyTalos)")
}
