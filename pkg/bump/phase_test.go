package bump

import (
	"context"
	"slices"
	"testing"
)

func TestEachPhaseIsEnteredAgainAfterALostRace(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) }}
	var entered []Phase
	runner := Runner{Registry: registry, Repo: repo, Sleep: noSleep, Enter: func(phase Phase) { entered = append(entered, phase) }}
	if _, err := runner.Run(context.Background(), pushOf("1.2")); err != nil {
		t.Fatal(err)
	}
	want := []Phase{PhaseResolve, PhasePlan, PhasePush, PhaseResolve, PhasePlan, PhasePush}
	if !slices.Equal(entered, want) {
		t.Errorf("entered %v, want %v", entered, want)
	}
}

func TestAPreviewPushesNothing(t *testing.T) {
	var entered []Phase
	runner := Runner{
		Registry: registry, Repo: newRepo(map[string]string{"web.yaml": webFile}),
		Enter: func(phase Phase) { entered = append(entered, phase) },
	}
	req := pushOf("1.2")
	req.Publish = Preview
	if _, err := runner.Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if want := []Phase{PhaseResolve, PhasePlan}; !slices.Equal(entered, want) {
		t.Errorf("entered %v, want %v", entered, want)
	}
}
