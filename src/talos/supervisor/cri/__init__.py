"""The container runtime interface: what kubelet has made, as seen by machined."""
