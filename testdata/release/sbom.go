package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// A component is a module or the program, in CycloneDX's words.
type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	BOMRef  string `json:"bom-ref"`
}

// writeSBOM lists the modules that are linked into a program, as the program itself
// records them (CycloneDX 1.6). It has no serial number, so that it is reproducible.
func (r release) writeSBOM(p program) error {
	info, err := buildinfo.Read(bytes.NewReader(p.data))
	if err != nil {
		return err
	}
	var bom struct {
		Format   string `json:"bomFormat"`
		Spec     string `json:"specVersion"`
		Version  int    `json:"version"`
		Metadata struct {
			Timestamp string    `json:"timestamp"`
			Component component `json:"component"`
		} `json:"metadata"`
		Components []component `json:"components"`
	}
	bom.Format, bom.Spec, bom.Version = "CycloneDX", "1.6", 1
	bom.Metadata.Timestamp = r.time.Format(time.RFC3339)
	bom.Metadata.Component = componentOf("application", info.Main.Path, "v"+r.version)
	bom.Components = append(bom.Components, componentOf("library", "std", strings.TrimPrefix(info.GoVersion, "go")))
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		bom.Components = append(bom.Components, componentOf("library", module.Path, module.Version))
	}
	text, err := json.MarshalIndent(bom, "", "  ")
	if err != nil {
		return err
	}
	return r.write(r.base(p)+".cdx.json", append(text, '\n'))
}

func componentOf(kind, path, version string) component {
	purl := "pkg:golang/" + path + "@" + url.QueryEscape(version)
	return component{Type: kind, Name: path, Version: version, PURL: purl, BOMRef: purl}
}
