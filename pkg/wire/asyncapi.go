package wire

import _ "embed"

// AsyncAPI is this protocol described for other languages: an AsyncAPI 3.0
// document in YAML. A test holds it to the constants of this package.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
