package main

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A node is a resource, a data source, or a block in one.
type node struct {
	Attributes map[string]bool `json:"attributes"` // whether each is required
	Computed   []string        `json:"computed"`
	Blocks     map[string]node `json:"blocks"`
}

func schemas(nodes map[string]node) map[string]*tfprotov5.Schema {
	found := map[string]*tfprotov5.Schema{}
	for name, one := range nodes {
		found[name] = &tfprotov5.Schema{Block: one.block()}
	}
	return found
}

// block returns the node with attributes of any type. An optional one may be computed too: the file does not tell.
func (n node) block() *tfprotov5.SchemaBlock {
	block := &tfprotov5.SchemaBlock{}
	add := func(one tfprotov5.SchemaAttribute) { block.Attributes = append(block.Attributes, &one) }
	for name, required := range n.Attributes {
		add(tfprotov5.SchemaAttribute{
			Name: name, Type: tftypes.DynamicPseudoType, Required: required, Optional: !required, Computed: !required,
		})
	}
	for _, name := range n.computedOnly() {
		add(tfprotov5.SchemaAttribute{Name: name, Type: tftypes.DynamicPseudoType, Computed: true})
	}
	for name, inner := range n.Blocks {
		block.BlockTypes = append(block.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Nesting: tfprotov5.SchemaNestedBlockNestingModeList, Block: inner.block(),
		})
	}
	return block
}

func (n node) computedOnly() []string {
	var names []string
	for _, name := range n.Computed {
		if _, there := n.Attributes[name]; !there {
			names = append(names, name)
		}
	}
	return names
}

// wire returns the type that Terraform encodes objects of the node with: a list of blocks that have an attribute of any
// type is itself of any type.
func (n node) wire() tftypes.Object {
	types := map[string]tftypes.Type{}
	for name := range n.Attributes {
		types[name] = tftypes.DynamicPseudoType
	}
	for _, name := range n.Computed {
		types[name] = tftypes.DynamicPseudoType
	}
	for name, inner := range n.Blocks {
		if inner.dynamic() {
			types[name] = tftypes.DynamicPseudoType
		} else {
			types[name] = tftypes.List{ElementType: inner.wire()}
		}
	}
	return tftypes.Object{AttributeTypes: types}
}

func (n node) dynamic() bool {
	if len(n.Attributes)+len(n.Computed) > 0 {
		return true
	}
	for _, inner := range n.Blocks {
		if inner.dynamic() {
			return true
		}
	}
	return false
}
