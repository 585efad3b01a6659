//go:build pinned

// Package pinned is never built. It names the packages that the validation programs and runtimetest import, because a
// program itself cannot be imported: with it, go.mod and go.sum pin the whole of what "go build" fetches.
package pinned

import (
	_ "github.com/hashicorp/go-multierror"
	_ "github.com/opencontainers/runtime-tools/validation/util"
	_ "github.com/opencontainers/selinux/go-selinux/label"
	_ "github.com/sirupsen/logrus"
	_ "github.com/syndtr/gocapability/capability"
	_ "github.com/urfave/cli"
	_ "golang.org/x/sys/unix"
)
