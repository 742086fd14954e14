// Records which texts Kubernetes' own parser takes for a quantity, and how many bytes each is.
//
//	go run . >../quantity_cases.jsonl
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"strings"

	"gopkg.in/inf.v0"
	"k8s.io/apimachinery/pkg/api/resource"
)

// What people write, and the corners of the parser: signs, points and suffixes alone, exponents, too many digits.
var texts = strings.Split(`|0|1|128Mi|1.5Gi|256e6|256E6|268435456000m|2e-3|1e-10|0e-10|e-10|.e-10|+e-10|e5|e-9|E|e|Ei|k|Ki|n|.|+|-|+.|-.Ki|
+5|-5|--5|5-|-1.5|-0.5|1.|.5|.5Ki|1.5n|.5n|1,5|1 Gi| 1Gi|1Gi |1gi|1GI|1KI|1K|1ki|1B|1GB|1GiB|lots|max|0x10|1_000|1e|1E|1e+6|1e+-6|1e6k|1e6Ki|
1e1.5|12E3.5|1Eb|1Eik|1mm|1mi|1u|1n|1m|999m|1001m|0.1m|1P|1Pi|7Ei|8Ei|9E|10E|1e18|1e19|1e30|9223372036854775807|9223372036854775808|
9223372036854775807m|123456789012345678901234567890|0.0000000001|0.000000000000000000000000000001|1.0000000000000000001|
00|007|-00.00|1e9223372036854775808|1e4294967296|e4294967286|1e-5|1e007|1e-007|٣Mi|1Mi\n|NaN|Infinity|inf|true|null`, "|")

type kase struct {
	Text string `json:"text"`
	// Rounded away from zero; absent where the text is no quantity.
	Bytes *string `json:"bytes,omitempty"`
}

// every returns all texts of up to length pieces.
func every(pieces []string, length int) []string {
	found, last := []string{}, []string{""}
	for range length {
		next := []string{}
		for _, text := range last {
			for _, piece := range pieces {
				next = append(next, text+piece)
			}
		}
		found, last = append(found, next...), next
	}
	return found
}

// odd returns texts of random pieces.
func odd(count int) []string {
	pieces := []string{"0", "1", "9", "25", "000", ".", "-", "+", "e", "E", "i", "n", "u", "m", "k", "K", "M", "G", "T", "P", "Ki", "e3", "E-2"}
	chance, found := rand.New(rand.NewSource(1)), []string{}
	for range count {
		text := ""
		for range 1 + chance.Intn(7) {
			text += pieces[chance.Intn(len(pieces))]
		}
		found = append(found, text)
	}
	return found
}

func main() {
	all := append(texts, every([]string{"1", "0", ".", "-", "e", "E", "i", "K", "m"}, 3)...)
	seen, encoder := map[string]bool{}, json.NewEncoder(os.Stdout)
	for _, text := range append(all, odd(600)...) {
		text = strings.TrimPrefix(text, "\n")
		if seen[text] || len(text) > 40 {
			continue
		}
		seen[text] = true
		one := kase{Text: text}
		if quantity, err := resource.ParseQuantity(text); err == nil {
			bytes := new(inf.Dec).Round(quantity.AsDec(), 0, inf.RoundUp).String()
			one.Bytes = &bytes
		}
		if err := encoder.Encode(one); err != nil {
			panic(err)
		}
	}
}
