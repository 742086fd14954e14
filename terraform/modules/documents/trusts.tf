# Who may take each role. A role is bound to its service account, so that no other pod of the cluster gets it.
locals {
  service_accounts = {
    operator = { name = "logscan-operator", namespaces = [var.namespaces.operator] }
    scanner  = { name = "logscan-scanner", namespaces = [var.namespaces.operator] }
  }
  # One role for each tenant's namespace, for the scanner's service account there.
  pods = merge(local.service_accounts, {
    for namespace, _ in local.tenants : "scanner/${namespace}" => { name = "logscan-scanner", namespaces = [namespace] }
  })
  issuer = try(split(":oidc-provider/", var.oidc_provider_arn)[1], "")

  pod_identity_trusts = {
    for role, account in local.pods : role => {
      Sid       = "PodsOfTheServiceAccount"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      # The tags that EKS sets on the session (EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity").
      Condition = {
        StringEquals = {
          "aws:RequestTag/eks-cluster-arn"            = local.arns.cluster
          "aws:RequestTag/kubernetes-namespace"       = account.namespaces
          "aws:RequestTag/kubernetes-service-account" = account.name
        }
      }
    }
  }

  irsa_trusts = {
    for role, account in local.pods : role => {
      Sid       = "PodsOfTheServiceAccount"
      Effect    = "Allow"
      Principal = { Federated = var.oidc_provider_arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = [for n in account.namespaces : "system:serviceaccount:${n}:${account.name}"]
        }
      }
    }
  }

  service_trusts = {
    for role, service in { forwarder = "lambda", cluster = "eks", node = "ec2" } : role => {
      Version                        = "2012-10-17"
      Statement = [{
        Sid       = "TheService"
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        # Auto Mode's cluster role tags its sessions (EKS user guide, "Amazon EKS Auto Mode cluster IAM role").
        Action = role == "cluster" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"]
      }]
    }
  }

  pod_trusts = {
    for role, statement in merge(
      { for role, statement in local.pod_identity_trusts : role => statement if var.credentials == "pod-identity" },
      { for role, statement in local.irsa_trusts : role => statement if var.credentials == "irsa" },
    ) : role => { Version = "2012-10-17", Statement = [statement] }
  }
}
