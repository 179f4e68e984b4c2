package rollout

import (
	"encoding/json"
	"slices"
)

// An Application is what Argo CD's API answers about one application, without the
// fields that say nothing about a rollout.
type Application struct {
	Metadata  Metadata   `json:"metadata"`
	Spec      Spec       `json:"spec"`
	Status    Status     `json:"status"`
	Operation *Operation `json:"operation"` // that the controller has not finished, or nil
}

// Metadata names an application.
type Metadata struct {
	Name            string  `json:"name"`
	Namespace       string  `json:"namespace"`
	OwnerReferences []Owner `json:"ownerReferences"`
}

// An Owner made an application: an ApplicationSet does.
type Owner struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// A Spec says what an application deploys, and who syncs it.
type Spec struct {
	Project        string    `json:"project"`
	Source         *Source   `json:"source"`
	Sources        []Source  `json:"sources"`
	SourceHydrator *Hydrator `json:"sourceHydrator"`
	SyncPolicy     *struct {
		Automated *struct {
			Enabled *bool `json:"enabled"`
		} `json:"automated"`
	} `json:"syncPolicy"`

	strings []string // every text in it, for tags in inline values and parameters
}

// UnmarshalJSON also keeps every text in the spec.
func (s *Spec) UnmarshalJSON(src []byte) error {
	type plain Spec
	if err := json.Unmarshal(src, (*plain)(s)); err != nil {
		return err
	}
	var whole any
	if err := json.Unmarshal(src, &whole); err != nil {
		return err
	}
	s.strings = textsIn(whole)
	return nil
}

// Automated reports whether Argo CD syncs by itself.
func (s Spec) Automated() bool {
	if s.SyncPolicy == nil || s.SyncPolicy.Automated == nil {
		return false
	}
	enabled := s.SyncPolicy.Automated.Enabled
	return enabled == nil || *enabled
}

// AllSources returns the sources that commits are made to: with a source hydrator
// the dry one.
func (s Spec) AllSources() []Source {
	switch {
	case s.SourceHydrator != nil:
		return []Source{s.SourceHydrator.DrySource}
	case len(s.Sources) > 0:
		return s.Sources
	case s.Source != nil:
		return []Source{*s.Source}
	}
	return nil
}

// A Hydrator renders a dry source and commits the result to another branch, from
// where the application is synced.
type Hydrator struct {
	DrySource Source `json:"drySource"`
}

// A Source is where manifests come from. Argo CD repeats it in several places, so
// that whoever reads a status can see which spec it is of.
type Source struct {
	RepoURL        string `json:"repoURL"`
	Path           string `json:"path"`
	TargetRevision string `json:"targetRevision"`
	Chart          string `json:"chart"` // of a Helm repository
	Ref            string `json:"ref"`   // by which other sources name this one's files: "values" for $values/…
	Helm           *Helm  `json:"helm"`

	canonical string // the whole source as JSON with sorted keys
}

// Helm is how a source is rendered with Helm.
type Helm struct {
	ValueFiles     []string `json:"valueFiles"`
	FileParameters []struct {
		Path string `json:"path"`
	} `json:"fileParameters"`
}

// UnmarshalJSON also keeps the whole source, to compare it.
func (s *Source) UnmarshalJSON(src []byte) error {
	type plain Source
	if err := json.Unmarshal(src, (*plain)(s)); err != nil {
		return err
	}
	var whole any
	if err := json.Unmarshal(src, &whole); err != nil {
		return err
	}
	canonical, err := json.Marshal(whole)
	s.canonical = string(canonical)
	return err
}

// same reports whether two sources are equal in every field.
func (s Source) same(other Source) bool { return s.canonical == other.canonical }

// A Status is what Argo CD last saw and did.
type Status struct {
	Sync           Comparison      `json:"sync"`
	Health         Health          `json:"health"`
	OperationState *OperationState `json:"operationState"`
	Conditions     []Condition     `json:"conditions"`
	Resources      []Resource      `json:"resources"`
	Summary        struct {
		Images []string `json:"images"` // of the pods that are there
	} `json:"summary"`
	SourceType          string `json:"sourceType"`
	ControllerNamespace string `json:"controllerNamespace"` // Argo CD's own
	SourceHydrator      struct {
		LastSuccessfulOperation *Hydration `json:"lastSuccessfulOperation"`
		CurrentOperation        *Hydration `json:"currentOperation"`
	} `json:"sourceHydrator"`
}

// A Comparison says how the cluster differs from a revision.
type Comparison struct {
	Status     string   `json:"status"`    // Synced, OutOfSync or Unknown
	Revision   string   `json:"revision"`  // of an application with one source
	Revisions  []string `json:"revisions"` // of one with several, in their order
	ComparedTo struct {
		Source  Source   `json:"source"`
		Sources []Source `json:"sources"`
	} `json:"comparedTo"`
}

// Health is how well something runs.
type Health struct {
	Status  string `json:"status"` // Healthy, Progressing, Suspended, Degraded, Missing or Unknown
	Message string `json:"message"`
}

// A Condition is something that Argo CD wants a person to know.
type Condition struct {
	Type    string `json:"type"` // "ComparisonError"
	Message string `json:"message"`
}

// A Resource is one object of an application.
type Resource struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	Health    Health `json:"health"`
}

// A Hydration is one run of the source hydrator.
type Hydration struct {
	DrySHA      string `json:"drySHA"`
	HydratedSHA string `json:"hydratedSHA"`
	Phase       string `json:"phase"` // Hydrating, Hydrated or Failed
	Message     string `json:"message"`
	StartedAt   string `json:"startedAt"`
}

// An Operation is a sync that somebody asked for.
type Operation struct {
	Sync *Synced `json:"sync"`
}

// An OperationState is how far the last sync got.
type OperationState struct {
	Operation  Operation `json:"operation"`
	Phase      string    `json:"phase"` // Running, Terminating, Succeeded, Failed or Error
	Message    string    `json:"message"`
	RetryCount int       `json:"retryCount"`
	SyncResult *Synced   `json:"syncResult"`
}

// Synced is what a sync applies, or has applied.
type Synced struct {
	Revision  string       `json:"revision"`
	Revisions []string     `json:"revisions"`
	Source    Source       `json:"source"`
	Sources   []Source     `json:"sources"`
	Resources []SyncedPart `json:"resources"`
}

// A SyncedPart is one object of a sync.
type SyncedPart struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Status  string   `json:"status"` // Synced, SyncFailed, …
	Message string   `json:"message"`
	Images  []string `json:"images"`
}

// A Tree is the objects of an application in the cluster, also those that its
// manifests do not name.
type Tree struct {
	Nodes []Node `json:"nodes"`
}

// A Node is one object of a tree.
type Node struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Images []string `json:"images"`
	Health *Health  `json:"health"`
	Info   []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"info"`
}

// Windows are the sync windows of an application.
type Windows struct {
	CanSync  bool     `json:"canSync"` // whether a person may sync now
	Active   []Window `json:"activeWindows"`
	Assigned []Window `json:"assignedWindows"`
}

// A Window permits or denies syncs at some times.
type Window struct {
	Kind     string `json:"kind"` // allow or deny
	Schedule string `json:"schedule"`
	Duration string `json:"duration"`
}

// blocking returns the window that keeps Argo CD from syncing by itself, and whether
// there is one: an active deny window, or an allow window when none is active.
func (w Windows) blocking() (Window, bool) {
	isAllow := func(window Window) bool { return window.Kind == "allow" }
	for _, window := range w.Active {
		if window.Kind == "deny" {
			return window, true
		}
	}
	if i := slices.IndexFunc(w.Assigned, isAllow); i >= 0 && !slices.ContainsFunc(w.Active, isAllow) {
		return w.Assigned[i], true
	}
	return Window{}, !w.CanSync
}

// textsIn returns every text in a JSON value; keys do not count.
func textsIn(value any) []string {
	var all []string
	switch v := value.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, item := range v {
			all = append(all, textsIn(item)...)
		}
	case map[string]any:
		for _, item := range v {
			all = append(all, textsIn(item)...)
		}
	}
	return all
}
