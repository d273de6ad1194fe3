module talos.invalid/components/pause

go 1.26.0
