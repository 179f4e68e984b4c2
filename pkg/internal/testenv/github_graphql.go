package testenv

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// graphQL answers what clients ask GitHub's GraphQL API for.
func (g *gitHub) graphQL(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	serveGraphQL(w, r, map[string]gqlObject{
		"query": {"repository": g.queryRepository},
		"mutation": {
			"enablePullRequestAutoMerge": g.mutation(g.enableAutoMerge),
			"mergePullRequest":           g.mutation(g.merge),
			"createRef":                  g.mutation(g.createRef),
			"createCommitOnBranch":       g.mutation(g.createCommit),
			"updateRefs":                 g.mutation(g.updateRefs),
		},
	})
}

func (g *gitHub) queryRepository(arguments map[string]any) (any, error) {
	asked := fmt.Sprint(arguments["owner"], "/", arguments["name"])
	if !strings.EqualFold(asked, g.opts.Path) && asked != g.opts.Formerly {
		return nil, &gqlError{"NOT_FOUND", "Could not resolve to a Repository with the name '" + asked + "'."}
	}
	return gqlObject{
		"id":                       "R_1",
		"viewerDefaultMergeMethod": "SQUASH",
		"pullRequest":              g.queryPull,
		"pullRequests":             g.queryPulls,
		"defaultBranchRef":         g.refObject("refs/heads/main"),
		"ref": func(arguments map[string]any) (any, error) {
			return g.refObject(fmt.Sprint(arguments["qualifiedName"])), nil
		},
		"object": func(arguments map[string]any) (any, error) { return g.gitObject(fmt.Sprint(arguments["oid"])), nil },
	}, nil
}

func (g *gitHub) queryPull(arguments map[string]any) (any, error) {
	number, _ := arguments["number"].(float64)
	if int(number) < 1 || int(number) > len(g.pulls) {
		return nil, &gqlError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", arguments["number"])}
	}
	return g.pullObject(g.pulls[int(number)-1]), nil
}

// queryPulls returns a page of the pull requests, the newest first, those from forks too.
func (g *gitHub) queryPulls(arguments map[string]any) (any, error) {
	states, _ := arguments["states"].([]any)
	first, err := strconv.Atoi(fmt.Sprint(arguments["first"]))
	if order, _ := json.Marshal(arguments["orderBy"]); err != nil || first > 100 || string(order) != `{"direction":"DESC","field":"CREATED_AT"}` {
		//lint:ignore ST1005 GitHub's words
		return nil, fmt.Errorf("Requesting %v records on the `pullRequests` connection, by %s, is not what the fake knows", arguments["first"], order)
	}
	nodes := []gqlObject{}
	for _, pull := range slices.Backward(g.pulls) {
		object := g.pullObject(pull)
		head, wanted := arguments["headRefName"]
		if slices.Contains(states, object["state"]) && arguments["baseRefName"] == pull.Base && (!wanted || head == pull.Head) {
			nodes = append(nodes, object)
		}
	}
	return gqlObject{"nodes": nodes[:min(first, len(nodes))], "pageInfo": gqlObject{"hasNextPage": len(nodes) > first}}, nil
}

func (g *gitHub) pullObject(pull *ForgePull) gqlObject {
	head, _ := g.opts.Tip(pull.Head)
	object := gqlObject{
		"id": fmt.Sprintf("PR_%d", pull.Number), "number": pull.Number, "headRefOid": head, "autoMergeRequest": nil,
		"url": fmt.Sprintf("https://github.example/%s/pull/%d", g.opts.Path, pull.Number), "title": pull.Title, "body": pull.Body,
		"state": "CLOSED", "isDraft": pull.Draft, "isCrossRepository": pull.Fork, "headRefName": pull.Head, "baseRefName": pull.Base,
	}
	switch {
	case pull.Merged:
		object["state"] = "MERGED"
	case pull.Open:
		object["state"] = "OPEN"
	}
	if pull.AutoMerge {
		object["autoMergeRequest"] = gqlObject{"enabledAt": "2026-01-02T03:04:05Z"}
	}
	return object
}

// mutation returns a resolver that hands on the fields of the one argument.
func (g *gitHub) mutation(change func(input map[string]any) (any, error)) func(map[string]any) (any, error) {
	return func(arguments map[string]any) (any, error) {
		input, ok := arguments["input"].(map[string]any)
		if !ok {
			//lint:ignore ST1005 GitHub's words
			return nil, fmt.Errorf("Argument 'input' is missing")
		}
		return change(input)
	}
}

// pullOf returns the open pull request of an input, which must be at the commit that
// the input expects.
func (g *gitHub) pullOf(input map[string]any) (*ForgePull, error) {
	for _, pull := range g.pulls {
		if fmt.Sprintf("PR_%d", pull.Number) != input["pullRequestId"] {
			continue
		}
		if head, _ := g.opts.Tip(pull.Head); input["expectedHeadOid"] != head {
			return nil, &gqlError{"UNPROCESSABLE", "Head branch was modified. Review and try the merge again."}
		}
		if input["mergeMethod"] != "SQUASH" {
			return nil, &gqlError{"UNPROCESSABLE", fmt.Sprintf("Merge method %v is not allowed on this repository", input["mergeMethod"])}
		}
		return pull, nil
	}
	return nil, &gqlError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%v'.", input["pullRequestId"])}
}

func (g *gitHub) enableAutoMerge(input map[string]any) (any, error) {
	pull, err := g.pullOf(input)
	if err != nil {
		return nil, err
	}
	if g.opts.AutoMerge != "" {
		return nil, &gqlError{"UNPROCESSABLE", g.opts.AutoMerge}
	}
	pull.AutoMerge = true
	return gqlObject{"pullRequest": g.pullObject(pull)}, nil
}

func (g *gitHub) merge(input map[string]any) (any, error) {
	pull, err := g.pullOf(input)
	if err != nil {
		return nil, err
	}
	pull.Open, pull.Merged = false, true
	return gqlObject{"pullRequest": g.pullObject(pull)}, nil
}
