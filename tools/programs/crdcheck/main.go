// Validates CRDs, and writes of objects, with the API server's code of the oldest version of Kubernetes that the chart
// supports. It reads a question as JSON from standard input and writes the answer to standard output.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// question lists CRDs, and writes of objects of the first CRD.
type question struct {
	CRDs   []v1.CustomResourceDefinition
	Writes []struct{ Old, New json.RawMessage }
}

// answer lists, for each CRD and for each write, the reasons why it is refused.
type answer struct {
	CRDs, Writes [][]string
}

func internal(scheme *runtime.Scheme, crd *v1.CustomResourceDefinition) *apiextensions.CustomResourceDefinition {
	scheme.Default(crd)
	var found apiextensions.CustomResourceDefinition
	if err := scheme.Convert(crd, &found, nil); err != nil {
		log.Fatal(err)
	}
	for _, version := range found.Spec.Versions {
		found.Status.StoredVersions = append(found.Status.StoredVersions, version.Name)
	}
	return &found
}

func texts(errors field.ErrorList) []string {
	found := []string{}
	for _, err := range errors {
		found = append(found, err.Error())
	}
	return found
}

// rules returns a function that evaluates the CEL rules of a CRD.
func rules(crd *v1.CustomResourceDefinition) func(old, new any) []string {
	var props apiextensions.JSONSchemaProps
	source := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(source, &props, nil); err != nil {
		log.Fatal(err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		log.Fatal(err)
	}
	validator := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return func(old, new any) []string {
		errors, _ := validator.Validate(context.Background(), nil, structural, new, old, celconfig.RuntimeCELCostBudget)
		return texts(errors)
	}
}

// object decodes an object as the API server does: whole numbers become integers.
func object(text json.RawMessage) any {
	var found any
	if err := utiljson.Unmarshal(text, &found); err != nil {
		log.Fatal(err)
	}
	return found
}

func main() {
	var request question
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		log.Fatal(err)
	}
	scheme, response := runtime.NewScheme(), answer{}
	install.Install(scheme)
	for n := range request.CRDs {
		errors := validation.ValidateCustomResourceDefinition(context.Background(), internal(scheme, &request.CRDs[n]))
		response.CRDs = append(response.CRDs, texts(errors))
	}
	evaluate := rules(&request.CRDs[0])
	for _, write := range request.Writes {
		response.Writes = append(response.Writes, evaluate(object(write.Old), object(write.New)))
	}
	if err := json.NewEncoder(os.Stdout).Encode(response); err != nil {
		log.Fatal(err)
	}
}
