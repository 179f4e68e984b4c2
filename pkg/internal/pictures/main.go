// Command pictures makes an SVG of what a program has printed in a terminal of 80
// columns. It reads text with ANSI colours from stdin; the picture is light or dark as
// the reader's browser is.
//
//	bin/tagbump demo --color always | go run ./pkg/internal/pictures testdata/pictures/demo.svg
package main

import (
	"io"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: pictures FILE.svg")
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	picture, err := draw(string(text))
	if err != nil {
		log.Fatal("pictures: ", err)
	}
	if err := os.WriteFile(os.Args[1], []byte(picture), 0o644); err != nil {
		log.Fatal(err)
	}
}
