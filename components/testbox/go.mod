module talos.invalid/components/testbox

go 1.26.0
