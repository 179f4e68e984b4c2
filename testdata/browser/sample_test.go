package browser

import (
	"errors"
	"fmt"
	"time"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/status"
)

var now = time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC)

func ago(days float64) time.Time { return now.Add(-time.Duration(days * 24 * float64(time.Hour))) }

// deployed is a tag in a chart's values.
func deployed(tag string, days float64, behind int, by float64) status.Deployed {
	return status.Deployed{
		Build:  status.Build{Tag: tag, Created: ago(days)},
		Behind: status.Behind{Known: true, Tags: behind, By: time.Duration(by * 24 * float64(time.Hour))},
		Places: []plan.Target{{File: "charts/web/values-production.yaml", Line: 4}},
	}
}

func cells(all ...status.Deployed) []status.Cell {
	var row []status.Cell
	for _, one := range all {
		if one.Tag == "" {
			row = append(row, status.Cell{})
			continue
		}
		row = append(row, status.Cell{Deployed: []status.Deployed{one}})
	}
	return row
}

func newest(tag string, days float64) *status.Build {
	return &status.Build{Tag: tag, Created: ago(days)}
}

// sample is a shop with three environments: images that are current, behind, lost and
// unknown, names that are long, and texts that try to be more than text.
func sample() status.Report {
	lost := deployed("2.9.9", 0, 0, 0)
	lost.Gone, lost.Created, lost.Behind = true, time.Time{}, status.Behind{}
	narrow := deployed("1.31.2", 40, 0, 0)
	narrow.Missing = []string{"linux/arm64"}
	unknown := deployed("3.2.0", 0, 0, 0)
	unknown.Unknown, unknown.Created, unknown.Behind = true, time.Time{}, status.Behind{}
	two := status.Cell{Deployed: []status.Deployed{deployed("1.8.2", 9, 1, 7), deployed("1.9.0", 2, 0, 0)}}
	none := status.Deployed{}
	return status.Report{
		Where: "github.com/acme/helm-charts", At: now, Environments: []string{"development", "staging", "production"},
		Images: []status.Image{
			{Repository: "ghcr.io/acme/checkout", Policy: `semver ">=2.0"`, Newest: newest("2.5.1", .2), Cells: cells(deployed("2.5.1", .2, 0, 0), deployed("2.4.0", 3, 2, 2.8), deployed("2.3.0", 12, 3, 11.8))},
			{Repository: "haoict/send2ereader", Policy: `match "^master-(?P<stamp>\d{12})$", extract "$stamp", order numerical`, Newest: newest("master-202611260912", .01), Cells: cells(none, deployed("master-202611260912", .01, 0, 0), deployed("master-202611240810", 2, 4, 2))},
			{Repository: "ghcr.io/acme/ledger", Policy: `semver "^1"`, Suggestion: policy.Suggestion{Why: "releases"}, Newest: newest("1.9.0", 2), Cells: []status.Cell{cells(deployed("1.9.0", 2, 0, 0))[0], two, cells(deployed("1.8.2", 9, 1, 7))[0]}},
			{Repository: "ghcr.io/acme/payments", Policy: `semver ">=2"`, Newest: newest("2.8.0", 6), Cells: cells(deployed("2.8.0", 6, 0, 0), deployed("2.8.0", 6, 0, 0), lost)},
			{Repository: "envoyproxy/envoy", Policy: `semver "^1"`, Newest: newest("1.31.2", 40), Cells: cells(narrow, narrow, narrow)},
			{Repository: "registry.internal.acme.example:5000/platform/very-long-name-of-a-team/notification-dispatcher", Newest: nil, Cells: cells(unknown, unknown, none), Errs: []error{errors.New("registry.internal.acme.example:5000/platform: 503 Service Unavailable")}},
			{Repository: "acme/<script>alert(1)</script>", Newest: newest(`"><img src=x onerror=alert(1)>`, 1), Cells: cells(deployed(`'"><b>1.0</b>`, 5, 1, 4), none, none)},
		},
		Events: events(),
	}
}

func events() []history.Event {
	event := func(environment string, days float64, kind history.Kind, from, to, by string) history.Event {
		return history.Event{Environment: environment, Image: "ghcr.io/acme/checkout", When: ago(days), Kind: kind, From: history.Value{Tag: from}, To: history.Value{Tag: to}, Who: by}
	}
	all := []history.Event{
		event("production", 30, history.ByHand, "2.1.0", "2.2.0", "Grace"),
		event("production", 12, history.Promotion, "2.2.0", "2.3.0", "Ada"),
		event("production", 3.2, history.Promotion, "2.3.0", "2.4.0", "Ada"),
		event("production", 3, history.Rollback, "2.4.0", "2.3.0", "Grace <on call>"),
	}
	for i := range 12 {
		all = append(all, event("development", float64(i)*2.4+.2, history.Bump, fmt.Sprintf("2.%d.0", 4-i/3), fmt.Sprintf("2.%d.1", 5-i/3), "ci"))
		if i%2 == 0 {
			all = append(all, event("staging", float64(i)*2.4+1, history.Bump, "2.3.0", "2.4.0", "ci"))
		}
	}
	return all
}
