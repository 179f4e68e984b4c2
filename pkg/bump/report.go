package bump

// Where a tag comes from, besides the name of an environment.
const (
	SourceTag      = "given"
	SourcePolicy   = "policy"
	SourceRevision = "revision"
	SourceHistory  = "history"
)

// A Report is what a run resolved, and the outcome of its last attempt.
type Report struct {
	Environment string
	DryRun      bool
	Attempts    int        // 1 when no push race was lost
	Resolved    []Resolved // also those of a run that failed later
	Outcome
}
