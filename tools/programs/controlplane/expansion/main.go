// Records how the kubelet expands $(NAME): its own package, run on the texts that the node's tests use.
//
//	go run ./expansion >../../../local/embedded/tests/expansion_cases.json
package main

import (
	"encoding/json"
	"os"

	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

var values = map[string]string{"A": "a", "AA": "$(A)", "EMPTY": "", "a.b-c": "dotted", "SECRET": "s3cr3t/x+y==", " ": "space"}

// Texts that people write: shell, regular expressions, JSON, and what a reader of the documentation would try.
var texts = []string{
	"", "plain", "$", "$$", "$$$", "$$$$", "$A", "${A}", "$(A)", "$$(A)", "$$$(A)", "$$$$(A)", "$(AA)", "$(EMPTY)|",
	"$(NOBODY)", "$$(NOBODY)", "$()", "$( )", "$(A", "$(A$(A)", "$((A))", "$(A)$(A)", "a$(A)b$$c$(NOBODY)d$", "$(a.b-c)",
	"$(SECRET):$(SECRET)", "report$$2024.log", `^user@host.*\$$`, `[$$]\d+`, `\Q$$FastClassBySpringCGLIB$$\E`, `^\$\(A\)$`,
	`{"key": "$(A)", "pattern": "$"}`, "line\n$(A)\n$", "$\n", "$\t(A)", "$é", "é$(A)é", "$(é)", "$€5", "100 $", "$ (A)",
}

type expanded struct {
	Text string `json:"text"`
	// Each byte as the character of its number: an expansion may leave invalid UTF-8, which JSON has no form for.
	Result string `json:"result"`
}

// every returns all texts of up to length characters of an alphabet.
func every(alphabet string, length int) []string {
	found, last := []string{}, []string{""}
	for range length {
		next := []string{}
		for _, text := range last {
			for _, character := range alphabet {
				next = append(next, text+string(character))
			}
		}
		found, last = append(found, next...), next
	}
	return found
}

func main() {
	cases := []expanded{}
	mapping := expansion.MappingFuncFor(values)
	for _, text := range append(texts, every("$()A", 4)...) {
		result := []rune{}
		for _, octet := range []byte(expansion.Expand(text, mapping)) {
			result = append(result, rune(octet))
		}
		cases = append(cases, expanded{text, string(result)})
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"values": values, "cases": cases}); err != nil {
		panic(err)
	}
}
