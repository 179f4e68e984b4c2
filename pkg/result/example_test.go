package result_test

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/result"
)

func ExampleResult_Encode() {
	r := result.Result{State: "pushed", Changed: true, Images: []result.Image{{Name: "acme/web", Tag: "1.5.0", Previous: "it's"}}}
	content, err := r.Encode(result.Shell)
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "TAG=") {
			fmt.Print(line)
		}
	}
	// Output:
	// export TAGBUMP_TAG='1.5.0'
	// export TAGBUMP_PREVIOUS_TAG='it'\''s'
	// export TAGBUMP_RESULT_TAG='1.5.0'
}
