package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGreets(t *testing.T) {
	require.Contains(t, greeting, "from")
}

// The toolchain is there, as it is on a developer's machine.
func TestCompiles(t *testing.T) {
	said, err := exec.Command("go", "build", "-o", t.TempDir(), ".").CombinedOutput()
	require.NoError(t, err, string(said))
}
