package bump

// A Phase is a part of a run that takes its own time.
type Phase string

// The phases of a run, in their order. A run that loses a push race goes through
// the first three again.
const (
	PhaseResolve Phase = "resolve" // read the files, ask the registry
	PhasePlan    Phase = "plan"    // find the places, make the edits, prove them
	PhasePush    Phase = "push"    // write, push or propose the change
	PhaseWait    Phase = "wait"    // for the cluster; entered by whoever waits after a run
)

func (r Runner) enter(phase Phase) {
	if r.Enter != nil {
		r.Enter(phase)
	}
}
