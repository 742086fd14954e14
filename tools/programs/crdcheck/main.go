// Says what the oldest version of Kubernetes that the chart allows makes of CRDs and of objects, with the code of its
// API server: a JSON question on standard input, the answer on standard output.
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

// question has CRDs, and writes of objects of the first of them.
type question struct {
	CRDs   []v1.CustomResourceDefinition
	Writes []struct{ Old, New json.RawMessage }
}

// answer has why each CRD, and then each write, is refused.
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

// rules returns what evaluates the CEL rules of a CRD.
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

// object reads an object as the API server does, which has whole numbers.
func object(text json.RawMessage) any {
	var found any
	if err := utiljson.Unmarshal(text, &found); err != nil {
		log.Fatal(err)
	}
	return found
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	scheme, told := runtime.NewScheme(), answer{}
	install.Install(scheme)
	for n := range asked.CRDs {
		errors := validation.ValidateCustomResourceDefinition(context.Background(), internal(scheme, &asked.CRDs[n]))
		told.CRDs = append(told.CRDs, texts(errors))
	}
	evaluate := rules(&asked.CRDs[0])
	for _, write := range asked.Writes {
		told.Writes = append(told.Writes, evaluate(object(write.Old), object(write.New)))
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
}
