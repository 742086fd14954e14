// Gitops answers what two GitOps tools make of an object, by their own code:
//
//	gitops status < live.json           the kstatus library that Flux waits with
//	gitops health SCRIPT < live.json    a health script in Lua, run as Argo CD runs it
//	gitops drift < triple.json          {"lastApplied", "config", "live"}: Argo CD's client-side three-way diff
//
// status and health print `STATUS: message`; drift prints the patch that would be sent, `{}` where all is in sync.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type triple struct {
	LastApplied json.RawMessage `json:"lastApplied"`
	Config      json.RawMessage `json:"config"`
	Live        json.RawMessage `json:"live"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gitops:", err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	switch {
	case len(arguments) == 1 && arguments[0] == "status":
		return tellStatus(text, out)
	case len(arguments) == 2 && arguments[0] == "health":
		return tellHealth(arguments[1], text, out)
	case len(arguments) == 1 && arguments[0] == "drift":
		return tellDrift(text, out)
	}
	return fmt.Errorf("usage: gitops status | health SCRIPT | drift, with JSON on standard input")
}

func tellStatus(text []byte, out io.Writer) error {
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(text); err != nil {
		return err
	}
	result, err := status.Compute(&object)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", result.Status, result.Message)
	return err
}

func tellDrift(text []byte, out io.Writer) error {
	var given triple
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(given.LastApplied, given.Config, given.Live)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, string(patch))
	return err
}
