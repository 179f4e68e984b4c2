// Command tagbump is the step between "CI pushed an image" and "Argo CD deploys it".
package main

import (
	"os"

	"github.com/tagbump/tagbump/pkg/cli"
)

func main() { os.Exit(cli.Main()) }
