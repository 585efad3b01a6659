//go:build pinned

// Package pinned is never built. It imports crictl, so that go.mod and go.sum pin the whole of what "go build" fetches for it.
package pinned

import _ "github.com/kubernetes-sigs/cri-tools/cmd/crictl"
