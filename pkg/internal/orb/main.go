// Command orb packs the CircleCI orb below .circleci/orb/src into one file, as
// "circleci orb pack" does, so that it needs no tool of CircleCI.
//
//	go run ./pkg/internal/orb .circleci/orb/src > dist/orb.yml
package main

import (
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: orb FOLDER")
	}
	text, err := pack(os.DirFS(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		log.Fatal(err)
	}
}
