package main_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tieline/tieline/pkg/config"
)

// The tests here look at what the schemas of Kubernetes do not: whether the
// manifests fit each other and the program.

// object is a manifest.
type object struct {
	file string
	tree any
}

// at returns what stands at a path such as "spec.ports.0.name", or nil.
func (o object) at(path string) any {
	tree := o.tree
	for key := range strings.SplitSeq(path, ".") {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// text returns what stands at a path as text; nothing is "<nil>".
func (o object) text(path string) string { return fmt.Sprint(o.at(path)) }

// String names the object in messages.
func (o object) String() string {
	return o.file + ": " + o.text("kind") + " " + o.text("metadata.name")
}

// manifests returns all objects in k8s.
func manifests(t *testing.T) []object {
	t.Helper()
	var all []object
	for _, name := range sourceFiles(t, ".yaml") {
		if !strings.HasPrefix(name, "k8s/") {
			continue
		}
		for documents := yaml.NewDecoder(strings.NewReader(read(t, name))); ; {
			o := object{file: name}
			if err := documents.Decode(&o.tree); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, o)
		}
	}
	return all
}

// find returns the object of that kind and name.
func find(t *testing.T, kind, name string) object {
	t.Helper()
	for _, o := range manifests(t) {
		if o.text("kind") == kind && o.text("metadata.name") == name {
			return o
		}
	}
	t.Fatalf("k8s has no %s named %s", kind, name)
	return object{}
}

func TestSelectorsFindPods(t *testing.T) {
	all := manifests(t)
	for _, o := range all {
		for _, where := range []string{"spec.selector", "spec.selector.matchLabels",
			"spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels"} {
			selector, ok := o.at(where).(map[string]any)
			if !ok || selector["matchLabels"] != nil {
				continue
			}
			found := 0
			for _, d := range all {
				if labels, ok := d.at("spec.template.metadata.labels").(map[string]any); ok && contains(labels, selector) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%s: %s is %v, which finds the pods of %d deployments, want one", o, where, selector, found)
			}
		}
	}
}

// contains reports whether the labels have all that the selector asks for.
func contains(labels, selector map[string]any) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

func TestServicesAndProbesFindTheirPorts(t *testing.T) {
	for _, o := range manifests(t) {
		const container = "spec.template.spec.containers.0"
		switch o.text("kind") {
		case "Service":
			pods := find(t, "Deployment", o.text("metadata.name"))
			if got, want := o.text("spec.ports.0.targetPort"), pods.text(container+".ports.0.name"); got != want {
				t.Errorf("%s: goes to port %s, the container's is called %s", o, got, want)
			}
		case "Deployment":
			for _, kind := range []string{"startup", "liveness", "readiness"} {
				port := o.at(container + "." + kind + "Probe.httpGet.port")
				if port != nil && port != o.at(container+".ports.0.name") {
					t.Errorf("%s: the %s probe asks port %v", o, kind, port)
				}
			}
		}
	}
}

func TestDeploymentFitsTheProgram(t *testing.T) {
	cfg := shipped(t)
	d := find(t, "Deployment", "tieline")
	const pod, container = "spec.template.spec", "spec.template.spec.containers.0"
	_, port, _ := net.SplitHostPort(cfg.Listen)
	for what, want := range map[string]string{
		container + ".ports.0.containerPort":                    port,
		container + ".startupProbe.httpGet.path":                "/healthz",
		container + ".livenessProbe.httpGet.path":               "/healthz", // an outage of Redis must not restart every node
		container + ".readinessProbe.httpGet.path":              "/readyz",  // nor take every node out of the balancer, as strict would
		container + ".volumeMounts.0.mountPath":                 cfg.DataDir,
		container + ".securityContext.readOnlyRootFilesystem":   "true",
		pod + ".securityContext.runAsNonRoot":                   "true",
		pod + ".enableServiceLinks":                             "false", // they would be unknown settings
		container + ".envFrom.0.configMapRef.name":              "tieline",
		container + ".envFrom.1.secretRef.name":                 "tieline",
		"spec.strategy.rollingUpdate.maxUnavailable":            "0",
		pod + ".topologySpreadConstraints.0.topologyKey":        "kubernetes.io/hostname",
		container + ".securityContext.allowPrivilegeEscalation": "false",
	} {
		if got := d.text(what); got != want {
			t.Errorf("%s: %s is %s, want %s", d, what, got, want)
		}
	}
	grace, _ := d.at(pod + ".terminationGracePeriodSeconds").(int)
	pause, _ := d.at(container + ".lifecycle.preStop.sleep.seconds").(int)
	if leave := cfg.Drain + time.Duration(pause)*time.Second; time.Duration(grace)*time.Second < leave+5*time.Second {
		t.Errorf("%s: killed after %d s, but it may take %s to leave, and some seconds more to close", d, grace, leave)
	}
}

// shipped returns the settings that the ConfigMap and the Secret for trying out
// make together; it fails the test if a node would not start with them.
func shipped(t *testing.T) *config.Config {
	t.Helper()
	var environ []string
	for from, key := range map[string]string{"ConfigMap": "data", "Secret": "stringData"} {
		o := find(t, from, "tieline")
		values, _ := o.at(key).(map[string]any)
		for name, value := range values {
			text, ok := value.(string)
			if !ok {
				t.Errorf("%s: %s must be quoted: it is no text", o, name)
			}
			if secret := settings()[name] == reflect.TypeFor[config.Secret](); secret != (from == "Secret") {
				t.Errorf("%s: %s does not belong here", o, name)
			}
			environ = append(environ, name+"="+text)
		}
	}
	return start(t, environ)
}

// start returns the settings of a node that is started in that environment.
func start(t *testing.T, environ []string) *config.Config {
	t.Helper()
	cfg, _, err := config.Load(nil, nil, environ)
	if err == nil {
		err = cfg.CheckKey()
	}
	if err != nil {
		t.Fatalf("no node would start: %v", err)
	}
	return cfg
}

func TestBaseHoldsNoSecret(t *testing.T) {
	for _, o := range manifests(t) {
		if o.text("kind") == "Secret" && path.Dir(o.file) == "k8s" {
			t.Errorf("%s: secrets are made by the operator, not committed", o)
		}
	}
}

func TestComposeNodesStart(t *testing.T) {
	var nodes int
	for _, o := range manifests(t) {
		services, _ := o.at("services").(map[string]any)
		for name := range services {
			values, _ := o.at("services." + name + ".environment").(map[string]any)
			if !strings.HasPrefix(name, "node") {
				continue
			}
			nodes++
			var environ []string
			for k, v := range values {
				environ = append(environ, k+"="+fmt.Sprint(v))
			}
			cfg := start(t, environ)
			stop, err := time.ParseDuration(o.text("services." + name + ".stop_grace_period"))
			if err != nil || stop < cfg.Drain+5*time.Second {
				t.Errorf("%s: %s is killed after %s (%v), but drains for %s", o.file, name, stop, err, cfg.Drain)
			}
			if !strings.Contains(read(t, "k8s/nginx.conf"), "server "+name+":8080") {
				t.Errorf("k8s/nginx.conf does not know %s", name)
			}
		}
	}
	if nodes < 2 {
		t.Errorf("compose.yaml has %d nodes: it shows how two work together", nodes)
	}
}
