//! The fixed address: the functions leave by the VPC's NAT gateways, and these have the address that the networks know.

use std::net::Ipv4Addr;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::Finding;
use crate::{
    account::{Account, failed},
    failure::Failure,
};

/// The ways out of the networks' functions.
#[derive(Clone, Debug, Default)]
struct WaysOut {
    /// The parameter `VpcSubnetIds`.
    subnets: String,
    /// The functions, each with its VPC.
    functions: Vec<(String, Option<String>)>,
    /// The addresses of the VPC's NAT gateways.
    addresses: Vec<String>,
}

pub(super) async fn findings(
    account: &Account,
    wanted: Option<Ipv4Addr>,
) -> Result<Vec<Finding>, Failure> {
    let functions = account.networks().into_iter().map(|network| account.function(&network));
    let functions = try_join_all(functions.map(|function| vpc(account, function))).await?;
    let subnets = account.place.parameters.get("VpcSubnetIds").cloned().unwrap_or_default();
    let vpc = functions.iter().find_map(|(_, vpc)| vpc.clone());
    let addresses = match &vpc {
        Some(vpc) => addresses(account, vpc).await?,
        None => Vec::new(),
    };
    Ok(judge(&WaysOut { subnets, functions, addresses }, wanted))
}

async fn vpc(account: &Account, function: String) -> Result<(String, Option<String>), Failure> {
    let get = account.functions.get_function_configuration().function_name(&function);
    let configuration = get.send().await;
    let configuration =
        configuration.map_err(|error| failed("Lambda", "GetFunctionConfiguration", &error))?;
    let vpc = configuration.vpc_config().and_then(|vpc| vpc.vpc_id()).filter(|it| !it.is_empty());
    Ok((function, vpc.map(str::to_owned)))
}

/// The public addresses of the VPC's NAT gateways, by Cloud Control: it reads any resource.
async fn addresses(account: &Account, vpc: &str) -> Result<Vec<String>, Failure> {
    let gateways = list(account, "AWS::EC2::NatGateway").await?;
    let elastic = list(account, "AWS::EC2::EIP").await?;
    Ok(addresses_of(vpc, &gateways, &elastic))
}

async fn list(account: &Account, kind: &str) -> Result<Vec<Value>, Failure> {
    let client = aws_sdk_cloudcontrol::Client::new(&account.place.config);
    let mut pages = client.list_resources().type_name(kind).into_paginator().items().send();
    let mut ids = Vec::new();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| failed("Cloud Control", "ListResources", &error))?;
        ids.extend(found.identifier);
    }
    // A list has the identifiers, and not always the rest.
    let get = async |id: String| {
        let get = client.get_resource().type_name(kind).identifier(id).send().await;
        let got = get.map_err(|error| failed("Cloud Control", "GetResource", &error))?;
        let properties = got.resource_description.and_then(|it| it.properties).unwrap_or_default();
        Ok::<Value, Failure>(serde_json::from_str(&properties).unwrap_or_default())
    };
    try_join_all(ids.into_iter().map(get)).await
}

fn addresses_of(vpc: &str, gateways: &[Value], elastic: &[Value]) -> Vec<String> {
    let ours = gateways.iter().filter(|gateway| gateway["VpcId"].as_str() == Some(vpc));
    let allocations: Vec<_> = ours.filter_map(|gateway| gateway["AllocationId"].as_str()).collect();
    let is_ours = |address: &&Value| {
        address["AllocationId"].as_str().is_some_and(|id| allocations.contains(&id))
    };
    let addresses = elastic.iter().filter(is_ours);
    addresses.filter_map(|address| address["PublicIp"].as_str().map(str::to_owned)).collect()
}

fn judge(ways: &WaysOut, wanted: Option<Ipv4Addr>) -> Vec<Finding> {
    let WaysOut { subnets, functions, addresses } = ways;
    let mut findings = Vec::new();
    let cure = "Set VpcSubnetIds to private subnets behind a NAT gateway and deploy: see A fixed address \
                in docs/options.md.";
    let outside: Vec<_> = functions.iter().filter(|(_, vpc)| vpc.is_none()).collect();
    for (function, _) in &outside {
        if !subnets.is_empty() {
            let what = "it is in no VPC, and VpcSubnetIds names one: its address changes";
            findings.push(Finding::new("address_not_fixed", function, what, "Deploy again."));
        }
    }
    if let (Some(wanted), true, true) = (wanted, subnets.is_empty(), !outside.is_empty()) {
        let what =
            format!("the functions are in no VPC: their address is not {wanted}, and changes");
        findings.push(Finding::new("address_not_fixed", "address", what, cure));
        return findings;
    }
    if functions.iter().all(|(_, vpc)| vpc.is_none()) {
        return findings;
    }
    if addresses.is_empty() {
        let what = "the functions' VPC has no NAT gateway with an Elastic IP: no network is reached, or \
                    from an address that changes";
        findings.push(Finding::new("vpc_without_way_out", "address", what, cure));
        return findings;
    }
    let wanted = wanted.map(|wanted| wanted.to_string());
    if let Some(wanted) = wanted.filter(|wanted| !addresses.contains(wanted)) {
        let theirs = addresses.join(", ");
        let what = format!("{wanted} is not an address of the VPC, which has {theirs}");
        let cure = format!("Give the networks {theirs} for their list of addresses instead.");
        findings.push(Finding::new("address_not_the_vpcs", "address", what, cure));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ways(subnets: &str, vpc: Option<&str>, addresses: &[&str]) -> WaysOut {
        WaysOut {
            subnets: subnets.to_owned(),
            functions: vec![("postback-net".to_owned(), vpc.map(str::to_owned))],
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        }
    }

    fn codes(ways: &WaysOut, wanted: &str) -> Vec<&'static str> {
        judge(ways, wanted.parse().ok()).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_address_that_the_networks_know_is_the_vpcs() {
        let none: Vec<&str> = Vec::new();
        let inside = ways("subnet-1", Some("vpc-1"), &["198.51.100.7", "198.51.100.8"]);

        assert_eq!(codes(&inside, "198.51.100.8"), none);
        assert_eq!(codes(&inside, ""), none);
        assert_eq!(codes(&inside, "203.0.113.9"), ["address_not_the_vpcs"]);
        assert_eq!(codes(&ways("", None, &[]), ""), none);
        assert_eq!(codes(&ways("", None, &[]), "203.0.113.9"), ["address_not_fixed"]);
        assert_eq!(codes(&ways("subnet-1", None, &[]), ""), ["address_not_fixed"]);
        assert_eq!(codes(&ways("subnet-1", Some("vpc-1"), &[]), ""), ["vpc_without_way_out"]);
    }

    #[test]
    fn an_address_belongs_to_a_gateway_of_the_vpc() {
        let gateway = |vpc: &str, id: &str| json!({ "VpcId": vpc, "AllocationId": id });
        let elastic = |id: &str, ip: &str| json!({ "AllocationId": id, "PublicIp": ip });

        let found = addresses_of(
            "vpc-1",
            &[gateway("vpc-1", "eipalloc-1"), gateway("vpc-2", "eipalloc-2")],
            &[elastic("eipalloc-1", "198.51.100.7"), elastic("eipalloc-2", "198.51.100.8")],
        );

        assert_eq!(found, ["198.51.100.7"]);
    }
}
