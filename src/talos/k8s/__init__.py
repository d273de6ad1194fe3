"""Kubernetes as data: manifests, static pods, kubelet and component configuration, thin API client, etcd client."""
